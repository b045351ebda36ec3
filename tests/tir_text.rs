//! The text form of tensor graphs: what is printed reads back to a graph that prints the same, and wrong text is told its place.
use dlmc::base::source::Sources;
use dlmc::data::FileProvider;
use dlmc::session::{Settings, Source, checked};
use dlmc::tir::Graph;
use dlmc::tir::parse::parse;
use dlmc::tir::verify::verify;
use dlmc::train::compile::{CompileTimes, stages};
use proptest::prelude::*;
use std::path::{Path, PathBuf};

/// Programs of which all graphs are read back.
fn programs() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut paths: Vec<PathBuf> = ["examples", "tests/kernels", "tests/language"]
        .iter()
        .flat_map(|folder| std::fs::read_dir(root.join(folder)).unwrap())
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|ending| ending == "dlm"))
        .collect();
    paths.sort();
    paths
}

/// Every graph of a program: as written, with its gradients, and after each pass.
fn graphs(path: &Path) -> Vec<(String, Graph)> {
    let Ok(source) = Source::read(path.to_str().unwrap()) else {
        panic!("{} cannot be read", path.display());
    };
    let mut sources = Sources::default();
    let settings = Settings::default();
    let checked = checked(&source, &mut sources, &mut FileProvider::new(), &settings);
    let program = checked.program.expect("the program is right");
    let mut found = Vec::new();
    for step in &program.graphs {
        found.push(("tir".to_string(), step.graph.clone()));
        let mut after = Vec::new();
        let mut watch =
            |pass: &'static str, graph: &Graph| after.push((pass.into(), graph.clone()));
        let Ok(stages) = stages(step, &[], &mut CompileTimes::default(), &mut watch) else {
            panic!("{} compiles", path.display());
        };
        found.push(("grad".to_string(), stages.expanded));
        found.append(&mut after);
    }
    found
}

#[test]
fn printed_graphs_read_back() {
    let mut count = 0;
    for path in programs() {
        for (stage, graph) in graphs(&path) {
            let text = graph.to_string();
            let place = format!("{}, {stage}", path.display());
            let again = match parse(&text) {
                Ok(again) => again,
                // One program has strides that the text form has no room for; they are told as such.
                Err(error) if error.message.starts_with("a number is less than") => {
                    assert!(place.contains("far_strides"), "{place}: {error}\n{text}");
                    continue;
                }
                Err(error) => panic!("{place}: {error}\n{text}"),
            };
            assert_eq!(again.to_string(), text, "{place}");
            verify(&again).unwrap_or_else(|error| panic!("{place}: {error}\n{text}"));
            count += 1;
        }
    }
    assert!(count > 300, "{count} graphs");
}

/// One of every form.
const ALL_FORMS: &str = r#"# a comment
v0: f32[4, 6] = input 0 "x"
v1: i32[4] = input 1 "the "rows""
v2: f64[] = [] 0.5d

v3: f32[4, 6] = [i0 < 4, i1 < 6] let s0 = (add v0[i0, i1] 1e-5); let s1 = (exp s0); (mul s1 (sub s0 s1))
v4: f32[4] = [i0 < 4] sum lanes[i1 < 6] (mul v0[v1[i0], i1] v0[i0, -i1 + 5]) where i0 - i1 + 2 >= 0 and i0 == 0
v5: f32[8] = [i0 < 8] v4[(i0 - 1)/2]{i0 - 1 >= 0 and -i0 + 8 >= 0 and i0 - 1 % 2 == 0 else -inf}
v6: f32[4, 6] = scatter [i0 < 4, i1 < 6] at [v1[i0], i1] v0[i0, i1] where i0 + i1 - 1 >= 0
v7: f32[24] = reshape v6
v8: f32[12] = concat v4, v5 over 0
v9: i32[] = constant [3.0]
v10: f32[4], v11: f32[6, 4] = scan reverse 6 states (v4) sequences (v0 over 1) captured (v2, v1) stacks [0] {
  v0: i32[] = input 0 "turn"
  v1: f32[4] = input 1 "h"
  v2: f32[4] = input 2 "x_t"
  v3: f64[] = input 3 "c"
  v4: i32[4] = input 4 "rows"
  v5: f32[4] = [i0 < 4] (select (and true (lt v0[] 3)) (add v1[i0] v2[i0]) (f32 v3[]))
  return v5, v5
}
v12: f32[] = [] max[i0 < 4, i1 < 6] v3[i0, 2*i1 - i1]
v13: f32[4, 6] = gradient v12 by v0
v14: f32[] = stop_gradient v12
v15: f32[4] = region outer 1 {
  [i0 < 4] (neg v4[i0])
}
return v13, v14
"#;

#[test]
fn positions_are_whole_numbers() {
    let sound = [
        "v0: i32[4] = input 0 \"at\"\nv1: f32[4] = input 1 \"x\"\nv2: f32[3] = scatter [i0 < 4] at [v0[i0]] v1[i0]\nreturn v2\n",
        "v0: i32[4] = input 0 \"at\"\nv1: f32[4] = input 1 \"x\"\nv2: f32[4] = [i0 < 4] v1[v0[i0]]\nreturn v2\n",
    ];
    for text in sound {
        verify(&parse(text).unwrap()).unwrap();
        let error = verify(&parse(&text.replace("i32[4]", "f32[4]")).unwrap()).unwrap_err();
        assert!(error.contains("a position that is f32"), "{error}");
    }
}

#[test]
fn every_form_reads_back() {
    let graph = parse(ALL_FORMS).unwrap();
    let text = graph.to_string();
    let again = parse(&text).unwrap();
    assert_eq!(again.to_string(), text);
    assert_eq!(again, graph);
    verify(&graph).unwrap();
    let printed: Vec<&str> = text.lines().collect();
    let written = ALL_FORMS
        .lines()
        .filter(|line| !line.is_empty() && !line.starts_with('#'));
    for (at, line) in written.enumerate() {
        assert_eq!(printed[at], line.replace("2*i1 - i1", "i1"));
    }
}

fn told(text: &str) -> String {
    parse(text).expect_err(text).to_string()
}

#[test]
fn wrong_text_is_told_its_place() {
    let cases = [
        (
            "",
            "line 1, column 1: a value, such as `v0`, or `return` is wanted",
        ),
        (
            "v0: f32[2] = input 1 \"x\"\n",
            "line 1, column 20: the next input has number 0",
        ),
        (
            "\n  return v0\n",
            "line 2, column 10: there is no value `v0` yet",
        ),
        (
            "v0: f33[2] = [] 0\n",
            "line 1, column 5: an element type is wanted: f32, f64, i32, bool or u8",
        ),
        (
            "v0: f32[] = [] (plus 1 2)\n",
            "line 1, column 17: there is no operator `plus`",
        ),
        (
            "v0: f32[2] = [i0 < 2] i1\n",
            "line 1, column 23: there is no index `i1` here",
        ),
        (
            "v0: f32[2] = [i1 < 2] i1\n",
            "line 1, column 15: the next index is `i0`",
        ),
        (
            "v0: f32[] = [] s0\n",
            "line 1, column 16: there is no `s0` yet",
        ),
        (
            "v0: f32[] = [] 1.0 2.0\n",
            "line 1, column 20: the line should end here",
        ),
        (
            "v0: f32[] = [] 1.0\nv0: f32[] = [] 1.0\n",
            "line 2, column 1: `v0` is there already",
        ),
        (
            "v0: f32[999999999] = [] 1.0\n",
            "line 1, column 9: a size is less than 268435456",
        ),
        (
            "return\nv0",
            "line 2, column 1: nothing follows the line `return ...`",
        ),
        (
            "v0: f32[] = sum",
            "line 1, column 13: a node is wanted: `[indices] formula`, input, constant, reshape, concat, scatter, scan, region, gradient or stop_gradient",
        ),
    ];
    for (text, expected) in cases {
        assert_eq!(told(text), expected);
    }
    let deep = format!("v0: f32[] = [] {}\n", "(neg ".repeat(100_000));
    assert!(told(&deep).ends_with("too many brackets in one another"));
}

/// The text with some of its characters replaced, left out, doubled or exchanged.
fn mutated(changes: &[(usize, u8, char)]) -> String {
    let mut characters: Vec<char> = ALL_FORMS.chars().collect();
    for &(place, kind, other) in changes {
        let at = place % characters.len();
        match kind {
            0 => characters[at] = other,
            1 => {
                characters.remove(at);
            }
            2 => characters.insert(at, other),
            3 => characters.insert(at, characters[at]),
            _ => {
                let second = (at * 7 + 13) % characters.len();
                characters.swap(at, second);
            }
        }
    }
    characters.into_iter().collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4000))]

    #[test]
    fn mutated_text_never_panics(
        changes in prop::collection::vec(
            (0usize..10_000, 0u8..5, prop::sample::select("0123456789vis[](){}<>=+-*/%,.:; \n\"defNé".chars().collect::<Vec<_>>())),
            1..6,
        )
    ) {
        let text = mutated(&changes);
        match parse(&text) {
            Ok(graph) => {
                let printed = graph.to_string();
                // What reads is printed, reads again, and can be judged.
                let again = parse(&printed).map_err(|error| TestCaseError::fail(format!("{error}\n{printed}")))?;
                prop_assert_eq!(again.to_string(), printed);
                let _: Result<(), String> = verify(&graph);
            }
            Err(error) => {
                let line = text.split('\n').nth(error.line - 1);
                prop_assert!(line.is_some_and(|line| error.column <= line.chars().count() + 1), "{}", error);
                prop_assert!(!error.message.is_empty());
            }
        }
    }
}
