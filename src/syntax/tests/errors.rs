use super::outcome;
#[test]
fn scratch() {
    let Ok(path) = std::env::var("SEE") else {
        return;
    };
    for text in std::fs::read_to_string(path).unwrap().split("\n----\n") {
        let (tree, errors) = outcome(text);
        println!(
            "=== {text}\n{tree}{}",
            errors
                .iter()
                .map(|e| format!("  ! {e}\n"))
                .collect::<String>()
        );
    }
}
