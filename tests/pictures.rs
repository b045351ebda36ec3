//! `dlmc graph` and `dlmc derive`: what they draw and print is read back and compared with what the model is.
#![cfg(feature = "cli")]

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

struct Folder(PathBuf);

impl Folder {
    fn new(name: &str, program: &str) -> Folder {
        let folder = std::env::temp_dir().join(format!("dlmc-draw-{}-{name}", std::process::id()));
        std::fs::create_dir_all(&folder).expect("a folder");
        std::fs::write(folder.join("program.dlm"), program).expect("a program");
        Folder(folder)
    }

    fn dlmc(&self, arguments: &[&str]) -> Output {
        Command::new(env!("CARGO_BIN_EXE_dlmc"))
            .current_dir(&self.0)
            .args(arguments)
            .output()
            .expect("the command runs")
    }

    /// Standard output of a command that succeeds.
    fn said(&self, arguments: &[&str]) -> String {
        let output = self.dlmc(arguments);
        let error = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "{arguments:?}: {error}");
        String::from_utf8(output.stdout).expect("text")
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // What is left behind is only a temporary folder.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn example(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples");
    path.join(name).display().to_string()
}

#[test]
fn a_picture_has_the_layers_their_parameters_and_shapes() {
    let folder = Folder::new("layers", "");
    let lenet = example("lenet.dlm");
    assert_eq!(folder.said(&["graph", &lenet, "-o", "model.svg"]), "");
    let svg = std::fs::read_to_string(folder.0.join("model.svg")).expect("a picture");
    for text in [
        "conv2d(6, kernel = 5, padding = 2)",
        "conv2d_2: 2.42 k parameters",
        "net: 61.7 k parameters",
        "max_pool(2)",
        "[n = 64, c = 6, h = 14, w = 14]",
        "[n = 64, units = 10]",
        "prefers-color-scheme: dark",
    ] {
        assert!(svg.contains(text), "{text}\n{svg}");
    }
    assert_eq!(svg, folder.said(&["graph", &lenet, "-o", "-"]));
    assert_eq!(svg.matches("<g").count(), svg.matches("</g>").count());
    // A chain of twelve boxes between what comes in and what goes out.
    folder.said(&["graph", &lenet, "-o", "model.dot"]);
    let dot = std::fs::read_to_string(folder.0.join("model.dot")).expect("a picture");
    assert_eq!(dot.matches(" -> ").count(), 13, "{dot}");
    assert_eq!(dot.matches("class=layer").count(), 5, "{dot}");
    let closed = folder.said(&["graph", &lenet, "-o", "-", "--depth", "0"]);
    assert!(closed.contains("net: 61.7 k parameters") && !closed.contains("conv2d"));
}

#[test]
fn boxes_of_a_row_do_not_cover_each_other() {
    let folder = Folder::new("boxes", "");
    for name in ["char_gpt.dlm", "gan.dlm", "rnn.dlm"] {
        let svg = folder.said(&["graph", &example(name), "-o", "-"]);
        let numbers = |line: &str, key: &str| -> f64 {
            let (_, rest) = line
                .split_once(&format!(" {key}=\""))
                .expect("an attribute");
            let (number, _) = rest.split_once('"').expect("its end");
            number.parse().expect("a number")
        };
        // Of the boxes of one group, since groups have origins of their own.
        let mut depth = 0;
        let mut groups: Vec<(i32, Vec<[f64; 4]>)> = vec![(0, Vec::new())];
        for line in svg.lines() {
            if line.starts_with("<g transform") {
                groups.push((depth, Vec::new()));
            }
            depth += i32::from(line.starts_with("<g"));
            depth -= i32::from(line.starts_with("</g>"));
            if line.starts_with("<rect class=\"box") {
                let keys = ["x", "y", "width", "height"];
                let found = keys.map(|key| numbers(line, key));
                groups.last_mut().expect("a group").1.push(found);
            }
        }
        for (_, boxes) in groups {
            for (at, a) in boxes.iter().enumerate() {
                for b in &boxes[..at] {
                    let apart = |i: usize| a[i] + a[i + 2] <= b[i] || b[i] + b[i + 2] <= a[i];
                    assert!(apart(0) || apart(1), "{name}: {a:?} {b:?}");
                }
            }
        }
    }
}

#[test]
fn stages_are_drawn_and_other_files_refused() {
    let folder = Folder::new("stages", "print 1\n");
    let iris = example("iris.dlm");
    for stage in ["tir", "grad", "after:fuse", "kernels"] {
        let svg = folder.said(&["graph", &iris, "--stage", stage, "-o", "-"]);
        assert!(svg.contains("new net.dense_1.W"), "{stage}: {svg}");
    }
    let refused = folder.dlmc(&["graph", &iris, "-o", "model.png"]);
    assert_eq!(refused.status.code(), Some(2));
    let empty = folder.dlmc(&["graph", "program.dlm", "-o", "-"]);
    let said = String::from_utf8_lossy(&empty.stderr).into_owned();
    assert!(said.contains("applies no layer"), "{said}");
}

/// A program that prints an objective and its gradients by `grad`, and minimizes it.
struct Model {
    name: &'static str,
    inputs: &'static str,
    layers: &'static str,
    objective: &'static str,
    /// Paths and initial values.
    parameters: &'static [(&'static str, &'static str)],
}

/// The numbers of a text, in order.
fn numbers(text: &str) -> Vec<f64> {
    let parts = text.split(|c: char| !(c.is_ascii_alphanumeric() || "+-.".contains(c)));
    parts.filter_map(|part| part.parse().ok()).collect()
}

fn formulas_agree(model: &Model) {
    let wanted = model
        .parameters
        .iter()
        .map(|(path, _)| format!("print \"{{grad({}, {path})}}\"\n", model.objective));
    let program = format!(
        "{}\n{}\nlet J0 = {}\nprint J0\n{}minimize {} with sgd(lr = 0.1)\n",
        model.inputs,
        model.layers,
        model.objective,
        wanted.collect::<String>(),
        model.objective
    );
    let folder = Folder::new(model.name, &program);
    let expected = folder.said(&["run", "program.dlm", "-q"]);
    let formulas = folder.said(&["derive", "program.dlm"]);
    // The formulas are a program once what they are given is written above them.
    let short = |path: &str| path.split_once('.').map_or(path, |p| p.1).replace('.', "_");
    let given = model
        .parameters
        .iter()
        .map(|(path, value)| format!("let {} = {value}\n", short(path)));
    let prints = model
        .parameters
        .iter()
        .map(|(path, _)| format!("print \"{{dJ_d_{}}}\"\n", short(path)));
    let derived = format!(
        "{}\n{}{formulas}\nprint J\n{}",
        model.inputs,
        given.collect::<String>(),
        prints.collect::<String>()
    );
    std::fs::write(folder.0.join("derived.dlm"), &derived).expect("a program");
    let output = folder.dlmc(&["run", "derived.dlm", "-q"]);
    let error = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{derived}\n{error}");
    let found = numbers(&String::from_utf8_lossy(&output.stdout));
    let expected = numbers(&expected);
    assert_eq!(found.len(), expected.len(), "{derived}");
    assert!(expected.iter().any(|value| *value != 0.0));
    for (a, b) in found.iter().zip(&expected) {
        assert!(
            (a - b).abs() <= 1e-5 * (1.0 + b.abs()),
            "{a} {b}\n{derived}"
        );
    }
}

#[test]
fn the_formulas_of_linear_regression_give_its_gradient() {
    formulas_agree(&Model {
        name: "linear",
        inputs: "let X = [[1, 2], [2, 3], [3, 4], [4, 5]]\nlet y = [2, 3, 4, 5]",
        layers: "layer linear(x: [n, d]) -> [n] {\n    param theta: [d] = [0.5, -0.25]\n    x @ theta\n}\nlet f = linear()",
        objective: "mse(f(X), y)",
        parameters: &[("f.theta", "[0.5, -0.25]")],
    });
}

#[test]
fn the_formulas_of_a_classifier_give_its_gradient() {
    formulas_agree(&Model {
        name: "classifier",
        inputs: "let X = [[1, -2, 0.5], [0.25, 3, 1], [-1, 0.75, 2], [0.1, 0.2, -0.3]]\nlet y: i32[4] = [0, 2, 1, 2]",
        layers: "layer full(x: [n, d], u) -> [n, u] {\n    param W: [d, u] = [[0.1, -0.2, 0.3], [0.4, 0.5, -0.6], [-0.7, 0.8, 0.9]]\n    param b: [u] = [0.01, 0.02, -0.03]\n    x @ W + b\n}\nlayer mlp(x: [n, d]) -> [n, 3] {\n    let a = full()\n    let c = full()\n    c(tanh(a(x, 3)), 3)\n}\nlet f = mlp()",
        objective: "cross_entropy(f(X), y)",
        parameters: &[
            (
                "f.a.W",
                "[[0.1, -0.2, 0.3], [0.4, 0.5, -0.6], [-0.7, 0.8, 0.9]]",
            ),
            ("f.a.b", "[0.01, 0.02, -0.03]"),
            (
                "f.c.W",
                "[[0.1, -0.2, 0.3], [0.4, 0.5, -0.6], [-0.7, 0.8, 0.9]]",
            ),
            ("f.c.b", "[0.01, 0.02, -0.03]"),
        ],
    });
}

#[test]
fn the_formulas_of_a_convolution_give_its_gradient() {
    formulas_agree(&Model {
        name: "convolution",
        inputs: "let X = [[1, -2, 0.5, 3, 0.25, -1], [2, 1, 0.75, -0.5, 0.1, 0.3]]\nlet y = [1, -1]",
        layers: "layer conv(x: [n, t]) -> [n] {\n    param w: [3] = [0.5, -0.25, 0.125]\n    let h[a, i] = sum[k] x[a, i + k] * w[k]\n    max(h, over = -1)\n}\nlet f = conv()",
        objective: "mse(f(X), y)",
        parameters: &[("f.w", "[0.5, -0.25, 0.125]")],
    });
}

#[test]
fn the_formulas_of_a_recurrence_give_its_gradient() {
    formulas_agree(&Model {
        name: "recurrence",
        inputs: "let X = [[[1, -2], [0.5, 3], [0.25, -1]], [[2, 1], [0.75, -0.5], [0.1, 0.3]]]\nlet y = [1, -1]",
        layers: "layer elman(x: [n, t, d]) -> [n] {\n    param W: [d, 2] = [[0.1, -0.2], [0.3, 0.4]]\n    param U: [2, 2] = [[0.5, 0.1], [-0.3, 0.2]]\n    let hs = scan x_t in x over t, h = zeros[n, 2] {\n        tanh(x_t @ W + h @ U)\n    }\n    sum(hs[:, 2, :], over = -1)\n}\nlet f = elman()",
        objective: "mse(f(X), y)",
        parameters: &[
            ("f.W", "[[0.1, -0.2], [0.3, 0.4]]"),
            ("f.U", "[[0.5, 0.1], [-0.3, 0.2]]"),
        ],
    });
}

/// Of 120 rows in batches of 16 the last batch has 8: what is derived is the step of the others.
#[test]
fn the_formulas_are_those_of_a_whole_batch() {
    let folder = Folder::new("whole-batch", "");
    let iris = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/iris.dlm");
    let formulas = folder.said(&["derive", iris]);
    assert!(formulas.contains("# batch_rows: i32[16]\n"), "{formulas}");
}

/// The commands that `dlmc derive --latex` may use: those of LaTeX with `amsmath`.
const COMMANDS: &[&str] = &[
    "mathrm",
    "partial",
    "noindent",
    "sum",
    "prod",
    "left",
    "right",
    "frac",
    "begin",
    "end",
    "times",
    "operatorname",
    "text",
    "quad",
    "max",
    "min",
    "le",
    "ge",
    "ne",
    "land",
    "lor",
    "lnot",
    "log",
    "exp",
    "rfloor",
    "lfloor",
    "rceil",
    "lceil",
    "cdot",
    "leftarrow",
    "sqrt",
    "tanh",
    "sigma",
    "dots",
    "bmod",
    "sin",
    "cos",
    "tan",
    "mid",
    "infty",
    "arg",
    "textbackslash",
    "theta",
    "alpha",
    "rho",
];

/// Braces close what they open, fences and environments come in pairs, and nothing stands there that LaTeX does not know.
fn is_latex(latex: &str) {
    let mut open: Vec<&str> = Vec::new();
    let mut depth = 0i32;
    let mut rest = latex;
    while let Some(c) = rest.chars().next() {
        let mut used = c.len_utf8();
        if c == '\\' {
            let after = &rest[1..];
            let end = after
                .find(|c: char| !c.is_ascii_alphabetic())
                .unwrap_or(after.len());
            let word = &after[..end];
            used += end.max(1);
            assert!(
                word.is_empty() || COMMANDS.contains(&word),
                "\\{word} in {latex}"
            );
            let named = after[end..]
                .strip_prefix('{')
                .and_then(|name| name.split('}').next());
            match word {
                "begin" => open.push(named.expect("a name")),
                "left" => open.push("left"),
                "end" => assert_eq!(open.pop(), named, "{latex}"),
                "right" => assert_eq!(open.pop(), Some("left"), "{latex}"),
                _ => {}
            }
        }
        assert!(c.is_ascii(), "{c} in {latex}");
        depth += i32::from(c == '{') - i32::from(c == '}');
        assert!(depth >= 0, "{latex}");
        rest = &rest[used..];
    }
    assert_eq!((depth, open.len()), (0, 0), "{latex}");
    // Two subscripts at one name are an error of LaTeX.
    assert!(!latex.contains("}_{}_{"), "{latex}");
    for line in latex.lines().filter(|line| line.starts_with("\\noindent")) {
        let dollars = line.matches('$').count() - line.matches("\\$").count();
        assert_eq!(dollars % 2, 0, "{line}");
    }
}

#[test]
fn the_latex_of_every_example_is_sound() {
    let folder = Folder::new("every", "print 1\n");
    let mut derived = 0;
    let examples = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples");
    for entry in std::fs::read_dir(examples).expect("examples") {
        let path = entry.expect("readable").path();
        if path.extension().is_none_or(|ending| ending != "dlm") {
            continue;
        }
        let output = folder.dlmc(&["derive", path.to_str().expect("text"), "--latex"]);
        if output.status.success() {
            is_latex(&String::from_utf8(output.stdout).expect("text"));
            derived += 1;
        } else {
            let error = String::from_utf8_lossy(&output.stderr).into_owned();
            assert!(error.contains("the program minimizes nothing"), "{error}");
        }
    }
    assert!(derived >= 10, "{derived}");
}

#[test]
fn names_of_formulas_are_latex_too() {
    let program = "let X = [[1, 2], [2, 3]]\nlet y₁ = [2, 3]\n\
        layer linear(x: [n, d]) -> [n] {\n    param θ: [d] = zeros\n    param h′: [d] = zeros\n    param α₁₂: [] = zeros\n    \
        param ρx: [] = zeros\n    x @ (θ + h′) + α₁₂ + ρx\n}\nlet f = linear()\n\
        minimize half_mse(f(X), y₁) with sgd(lr = 0.01)\n";
    let folder = Folder::new("greek", program);
    let latex = folder.said(&["derive", "program.dlm", "--latex"]);
    is_latex(&latex);
    for part in [
        "{h'}_{j}",
        "{\\theta}_{j}",
        "{{\\alpha}_{12}}",
        "\\mathrm{{\\rho}x}",
    ] {
        assert!(latex.contains(part), "{part} in {latex}");
    }
}

#[test]
fn latex_has_balanced_braces_and_one_parameter_can_be_asked_for() {
    let folder = Folder::new("latex", "print 1\n");
    for name in ["lenet.dlm", "rnn.dlm", "iris.dlm"] {
        let latex = folder.said(&["derive", &example(name), "--latex"]);
        let count = |text: &str| latex.matches(text).count();
        assert_eq!(
            count("{") - count("\\{"),
            count("}") - count("\\}"),
            "{latex}"
        );
        assert_eq!(
            count("\\left") - count("\\leftarrow"),
            count("\\right"),
            "{latex}"
        );
        assert_eq!(count("\\begin{"), count("\\end{"), "{latex}");
        assert!(latex.contains("\\frac{\\partial J}{\\partial"), "{latex}");
    }
    let one = folder.said(&["derive", &example("lenet.dlm"), "--of", "dense_3.b"]);
    assert_eq!(one.matches("# ∂J/∂").count(), 1, "{one}");
    assert!(one.contains("dJ_d_dense_3_b"), "{one}");
    let output = folder.dlmc(&["derive", &example("iris.dlm"), "--of", "V"]);
    let error = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(error.contains("net.dense_1.W, net.dense_1.b"), "{error}");
    let none = folder.dlmc(&["derive", "program.dlm"]);
    assert_eq!(none.status.code(), Some(1));
}
