//! Generates the parser from `grammar/dlm.lalrpop`.
fn main() {
    println!("cargo:rerun-if-changed=grammar");
    if std::path::Path::new("grammar/dlm.lalrpop").exists() {
        let outcome = lalrpop::Configuration::new()
            .set_in_dir("grammar")
            .process();
        if let Err(error) = outcome {
            eprintln!("grammar/dlm.lalrpop: {error}");
            std::process::exit(1);
        }
    }
}
