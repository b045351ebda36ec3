//! The example of a host program does what it says.
#[path = "../examples/embed.rs"]
mod embed;

#[test]
fn the_host_trains_predicts_saves_and_is_told_what_is_wrong() {
    let said = embed::host().unwrap_or_else(|error| panic!("{error}"));
    let has = |wanted: &str| {
        let found = said.iter().any(|line| line.contains(wanted));
        assert!(found, "{wanted}: {said:#?}");
    };
    has("parameter net.dense_1.W is f32[2, 16]");
    has("below 0.05: true");
    has("of classes [0, 1]");
    has("the same: true");
    has("all is class 0");
    has("error[E0351]");
}
