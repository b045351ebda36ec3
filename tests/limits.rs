//! What is too large is refused with an error that names its place, soon and without much memory.
use dlmc::base::source::Sources;
use dlmc::data::FileProvider;
use dlmc::session::{Settings, Source, checked};
use std::path::Path;

/// The codes of all errors of a text, each of which must have a place and a mend.
fn codes(text: &str) -> Vec<&'static str> {
    let source = Source {
        name: "m.dlm".into(),
        text: text.into(),
        base_dir: env!("CARGO_MANIFEST_DIR").into(),
    };
    let mut sources = Sources::default();
    let settings = Settings::default();
    let checked = checked(&source, &mut sources, &mut FileProvider::new(), &settings);
    for diagnostic in &checked.diagnostics {
        assert!(!diagnostic.labels.is_empty(), "{diagnostic:?}");
        assert!(diagnostic.help.is_some(), "{diagnostic:?}");
    }
    assert_eq!(checked.program.is_none(), !checked.diagnostics.is_empty());
    checked.diagnostics.iter().map(|d| d.code).collect()
}

fn in_layer(body: &str) -> String {
    format!("layer f(x: [n]) -> [n] {{\n{body}\nx }}\nlet g = f()\nprint g(zeros[3])\n")
}

#[test]
fn functions_that_call_themselves_twice_end() {
    let numbers = "fn f(n) { if n == 0 { 1 } else { f(n - 1) + f(n - 1) } }\nprint f(40)\n";
    assert_eq!(codes(numbers), ["E0450"]);
    let tensors = "fn f(n, x) { if n == 0 { x } else { f(n - 1, x) + f(n - 1, x) } }\nlet x = normal[2]\nprint f(40, x)\n";
    let found = codes(tensors);
    assert!(matches!(found[..], ["E0450" | "E0451"]), "{found:?}");
}

#[test]
fn unrolled_loops_end() {
    assert_eq!(
        codes(&in_layer("for i in 0..5000 { let y = 1 }")),
        ["E0436"]
    );
    let whole = "for i in -9223372036854775807..=9223372036854775807 { let y = 1 }";
    assert_eq!(codes(&in_layer(whole)), ["E0436"]);
    let nested = "for i in 0..1000 { for j in 0..1000 { let y = 1 } }";
    assert!(codes(&in_layer(nested)).contains(&"E0450"));
}

#[test]
fn strings_and_tuples_that_double_are_refused() {
    let strings = in_layer("let s = \"ab\"\nfor i in 0..60 { let s = \"{s}{s}\" }");
    assert!(codes(&strings).contains(&"E0452"));
    let tuples = in_layer("let t = (1, 2)\nfor i in 0..60 { let t = (t, t) }");
    assert!(codes(&tuples).contains(&"E0453"));
}

#[test]
fn tensors_are_split_into_no_more_parts_than_a_tuple_holds() {
    assert_eq!(codes("print split(zeros[0], 4000000000)\n"), ["E0453"]);
    let parts = "let t = split(zeros[100000000], 100000000)\n";
    assert_eq!(codes(parts), ["E0453"]);
    let sizes = "[9223372036854775807, 9223372036854775807, 3]";
    let overflowing = format!("print split(zeros[1], {sizes})\n");
    assert_eq!(codes(&overflowing), ["E0358"]);
}

#[test]
fn imports_in_a_ring_and_long_chains_are_refused() {
    let folder = std::env::temp_dir().join(format!("dlmc-imports-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let write = |name: &str, text: &str| {
        let path = folder.join(name);
        std::fs::write(&path, text).unwrap();
        path.display().to_string()
    };
    let ring = write("a.dlm", "import \"b.dlm\"\nlet p = 1\n");
    write("b.dlm", "import \"a.dlm\"\nlet q = 2\n");
    assert_eq!(codes(&format!("import \"{ring}\"\nprint 1\n")), ["E0205"]);
    let alone = write("alone.dlm", "fn f(x) { x }\nimport \"./alone.dlm\"\n");
    assert_eq!(
        codes(&format!("import \"{alone}\"\nprint f(1)\n")),
        ["E0205"]
    );
    // Two ways to one file are no ring, however it is written.
    write("base.dlm", "fn twice(x) { 2 * x }\nlet shared = twice(2)\n");
    let left = write("left.dlm", "import \"base.dlm\"\nlet l = twice(shared)\n");
    let right = write(
        "right.dlm",
        "import \"./base.dlm\"\nlet r = twice(shared)\n",
    );
    let both = format!("import \"{left}\"\nimport \"{right}\"\nprint l + r + twice(shared)\n");
    assert_eq!(codes(&both), [""; 0]);
    for at in 0..100 {
        let next = at + 1;
        write(
            &format!("c{at}.dlm"),
            &format!("import \"c{next}.dlm\"\nlet v{at} = 1\n"),
        );
    }
    write("c100.dlm", "let v100 = 1\n");
    let chain = folder.join("c0.dlm").display().to_string();
    assert!(codes(&format!("import \"{chain}\"\nprint 1\n")).contains(&"E0204"));
    std::fs::remove_dir_all(&folder).unwrap();
}

#[test]
fn batches_of_no_rows_are_refused() {
    let set = "let set = data(x = [[1.0], [2.0]], y = [1.0, 2.0])\n";
    let text = format!("{set}for b in set |> batches(0) {{ print b.x }}\n");
    assert_eq!(codes(&text), ["E0512"]);
}

#[test]
fn a_program_of_mistakes_ends_after_a_hundred() {
    let name = "x".repeat(1 << 20);
    for unit in [
        "nothing\n",
        "fn twice(x) { x }\n",
        "import \"none.dlm\"\n",
        "print nothing\n",
    ] {
        let found = codes(&unit.repeat(20_000));
        assert_eq!(found.len(), 100, "{unit}");
    }
    let indices: Vec<String> = (0..100_000).map(|at| format!("i{at}")).collect();
    let indices = indices.join(", ");
    assert_eq!(
        codes(&format!("let y[{indices}] = 1\nprint y\n")),
        ["E0366"]
    );
    assert_eq!(codes(&format!("print sum[{indices}] 1\n")), ["E0366"]);
    // The distance of two names takes the product of their lengths.
    let long = format!("let {name} = 1\nprint {name}y\n");
    assert_eq!(codes(&long), ["E0201"]);
}

#[test]
fn very_long_lines_and_huge_parameters_are_refused_or_read() {
    let sum = format!("print {}1\n", "1 + ".repeat(20_000));
    assert_eq!(codes(&sum), ["E0105"]);
    // A long line alone is no fault.
    assert_eq!(
        codes(&format!("print 1 # {}\n", "x".repeat(1 << 20))),
        [""; 0]
    );
    let huge = "layer f(x: [n]) -> [n] {\nparam W: [4000000000, 4000000000] = zeros\nx + W[0, 0] }\nlet g = f()\nprint g(zeros[3])\n";
    assert!(codes(huge).contains(&"E0352"));
}

#[test]
fn cells_of_any_length_are_refused_with_their_place() {
    let path = std::env::temp_dir().join(format!("dlmc-cell-{}.csv", std::process::id()));
    std::fs::write(&path, format!("a,b\n1,2\n3,{}\n", "7".repeat(1 << 20))).unwrap();
    let mut provider = FileProvider::new();
    let spec = dlmc::base::data::DataSpec {
        source: dlmc::base::data::DataSource::Reader {
            name: "csv".into(),
            paths: vec![path.display().to_string()],
            options: Vec::new(),
        },
        transforms: Vec::new(),
        base_dir: ".".into(),
    };
    let error = dlmc::base::data::DataProvider::open(&mut provider, &spec).unwrap_err();
    std::fs::remove_file(&path).unwrap();
    let (said, help) = (error.message, error.help.unwrap_or_default());
    assert!(
        said.contains("row 2, column \"b\": a cell of 1048576 bytes"),
        "{said}"
    );
    assert!(help.contains("line 3"), "{help}");
}

#[test]
fn tensors_beyond_any_memory_are_refused() {
    let doubled = format!(
        "let x = normal[2]\n{}print sum(x)\n",
        "let x = concat(x, x)\n".repeat(80)
    );
    assert!(codes(&doubled).contains(&"E0352"));
    let dimensions = format!("let x = zeros[{}1]\nprint x\n", "1, ".repeat(3000));
    assert_eq!(codes(&dimensions), ["E0366"]);
}

#[test]
fn loops_that_the_host_cannot_count_are_refused() {
    assert_eq!(
        codes("repeat 3000000000 {\nprint 1\nprint 2\n}\n"),
        ["E0311"]
    );
    assert_eq!(
        codes("for i in 0..=9223372036854775807 { print i }\n"),
        ["E0311"]
    );
    let train = |epochs: &str| {
        format!(
            "let set = data(x = [[1.0], [2.0]], y = [1.0, 2.0])\nlayer line(x: [n, d]) -> [n] {{\nparam w: [d] = zeros\nx @ w\n}}\nlet f = line()\ntrain f on set {{\nloss = mse\noptimizer = sgd(0.1)\nepochs = {epochs}\n}}\n"
        )
    };
    assert_eq!(codes(&train("2147483648")), ["E0311"]);
    assert_eq!(codes(&train("9223372036854775807")), ["E0311"]);
}

#[test]
fn scans_of_nothing_and_beyond_an_i32_are_refused() {
    let nothing = "print scan a in split(zeros[0], []), h = 0.0 { h }\n";
    assert_eq!(codes(nothing), ["E0424"]);
    let scan = |range: &str| codes(&format!("print scan i in {range}, h = i32(0) {{ i }}\n"));
    assert_eq!(scan("2147483646..2147483648"), [""; 0]);
    assert_eq!(scan("2147483646..=2147483647"), [""; 0]);
    assert_eq!(scan("2147483646..2147483649"), ["E0311"]);
    assert_eq!(scan("5..-9223372036854775807"), [""; 0]);
}

#[test]
fn whole_numbers_do_not_overflow() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/crashes");
    let text = std::fs::read_to_string(folder.join("least_integer_by_minus_one.dlm")).unwrap();
    assert_eq!(codes(&text), ["E0307", "E0307"]);
    assert_eq!(
        codes(
            "assert (-7) // 2 == -4 and 7 // (-2) == -4 and (-7) // (-2) == 3\nassert (-7) % 3 == 2 and 7 % (-3) == -2 and (-7) % (-3) == -1\n"
        ),
        [""; 0]
    );
}

#[test]
fn paddings_do_not_overflow() {
    let least = "-9223372036854775807 - 1";
    let text = format!("print pad(ones[3], left = {least})\n");
    assert_eq!(codes(&text), ["E0324"]);
}

#[test]
fn the_reach_of_a_subscript_does_not_overflow() {
    let access = |subscript: &str| {
        format!(
            "let z = ones[5]\nlet y[j] = sum[i < 4294967295, k < 4294967295](z[{subscript}])\nprint y\n"
        )
    };
    // No range of `j` keeps the first one within the five: there is nothing to read.
    let upward = access("2147483647 * i + 2147483647 * k + j");
    assert_eq!(codes(&upward), [""; 0]);
    let downward = access("j - 2147483647 * i - 2147483647 * k");
    assert_eq!(codes(&downward), ["E0334"]);
}

#[test]
fn numbers_in_subscripts_do_not_overflow() {
    let text = |subscript: &str| {
        format!("let x = normal[3]\nlet y[i < 2] = x[{subscript}]\nprint grad(sum(y), x)\n")
    };
    let engine = dlmc::Engine::new(dlmc::Config::default()).unwrap();
    for subscript in [
        "i * 2000000000 * 2000000000 * 2000000000",
        "(i * 2000000000 + 2000000000) * 2000000000",
        "i * 2000000000 - (1 - i) * 2000000000 * 3",
    ] {
        let options = dlmc::ProgramOptions::default();
        let program = engine.compile(&text(subscript), options, FileProvider::new());
        // As an `i32` the position wraps round, and is looked at before it is read.
        let ran = program.and_then(|program| {
            let mut trainer = program.trainer()?;
            trainer.run(|_| dlmc::Control::Continue)
        });
        let said = ran.map_or_else(|error| error.to_string(), |()| String::new());
        assert!(
            !said.contains("fault of the compiler"),
            "{subscript}: {said}"
        );
    }
}

#[test]
fn positions_beyond_an_i32_are_refused() {
    let read = "let a = ones[3]\n";
    for text in [
        "print max[i < 3000000000](f32(i))\n",
        "print sum[i < 3000000000](i % 2)\n",
        "print argmax[i < 3000000000, j < 3](a[j])\n",
        "print argmax(ones[3, 1000000000])\n",
    ] {
        assert_eq!(codes(&format!("{read}{text}")), ["E0311"], "{text}");
    }
    let endless = "print sum[i < 4294967295, j < 4294967295, k < 3](a[k])\n";
    assert_eq!(codes(&format!("{read}{endless}")), ["E0352"]);
}

/// What the compiler says of a program that passes the checker.
fn refusal(text: &str) -> String {
    let engine = dlmc::Engine::new(dlmc::Config::default()).unwrap();
    let options = dlmc::ProgramOptions::default();
    let refused = engine.compile(text, options, FileProvider::new());
    refused.map(|_| ()).unwrap_err().to_string()
}

#[test]
fn the_gradient_of_a_maximum_of_too_many_terms_is_refused() {
    let text = "let a = ones[3]\nprint grad(max[i < 3000000000, j < 3](a[j]), a)\n";
    let said = refusal(text);
    assert!(said.contains("E0607"), "{said}");
}

#[test]
fn what_a_run_has_no_place_for_is_refused_with_its_place() {
    let names: Vec<String> = (0..40).map(|at| format!("t{at}")).collect();
    let tensors: Vec<String> = names
        .iter()
        .map(|name| format!("let {name} = normal[50]\n"))
        .collect();
    let read: Vec<String> = names.iter().map(|name| format!("exp({name}[i])")).collect();
    let text = format!(
        "{}let y[i] = {}\nprint sum(y)\n",
        tensors.concat(),
        read.join(" + ")
    );
    let said = refusal(&text);
    assert!(
        said.contains("E0607") && said.contains("41 tensors") && said.contains(":41:"),
        "{said}"
    );
    let mut body = "h9 * 0.5".to_string();
    for depth in (1..=9).rev() {
        let before = if depth == 1 {
            "x".into()
        } else {
            format!("h{}", depth - 1)
        };
        body = format!("last(scan i{depth} in 0..2, h{depth} = {before} {{ {body} }})");
    }
    let said = refusal(&format!("let x = normal[3]\nprint sum({body})\n"));
    assert!(said.contains("E0607") && said.contains("scan"), "{said}");
}

/// Each order multiplies the operations: inside one body, inside a scan.
#[test]
fn gradients_within_gradients_end() {
    let starts = [
        "let z[i] = exp(x[i]) * tanh(x[i] * x[i])\nlet y = sum(z)",
        "let y = last(scan i in 0..4, z = x { tanh(z * x) })",
    ];
    for start in starts {
        let orders = "let y = sum(grad(sum(y), x))\n".repeat(26);
        let text = format!("let x = normal[3]\n{start}\n{orders}print y\n");
        let engine = dlmc::Engine::new(dlmc::Config::default()).unwrap();
        let options = dlmc::ProgramOptions::default();
        let refused = engine.compile(&text, options, FileProvider::new());
        let refused = refused.map(|_| ()).unwrap_err().to_string();
        assert!(refused.contains("E0607"), "{start}: {refused}");
    }
}

#[test]
fn products_of_more_elements_than_offsets_reach_are_refused() {
    let engine = dlmc::Engine::new(dlmc::Config::default()).unwrap();
    for sizes in [
        "[60000, 30000] @ normal[30000, 60000]",
        "[4294967295, 8] @ normal[8, 4]",
    ] {
        let text = format!("let one = 1\nprint sum(normal{sizes})\n");
        let options = dlmc::ProgramOptions::default();
        let refused = engine.compile(&text, options, FileProvider::new());
        let refused = refused.map(|_| ()).unwrap_err().to_string();
        assert!(refused.contains("E0607"), "{sizes}: {refused}");
    }
}

#[test]
fn the_gradient_of_a_long_formula_is_found_soon() {
    let terms: Vec<String> = (1..=300).map(|k| format!("exp(x[i] / {k})")).collect();
    let sums: Vec<String> = terms.chunks(100).map(|part| part.join(" + ")).collect();
    let text = format!(
        "let x = normal[3]\nlet y[i] = ({})\nprint grad(sum(y), x)\n",
        sums.join(") + (")
    );
    let engine = dlmc::Engine::new(dlmc::Config::default()).unwrap();
    let start = std::time::Instant::now();
    let options = dlmc::ProgramOptions::default();
    let program = engine.compile(&text, options, FileProvider::new());
    assert!(program.is_ok(), "{:?}", program.err());
    // It took more than ten seconds once, and takes a tenth of one.
    assert!(start.elapsed().as_secs() < 8, "{:?}", start.elapsed());
}

/// Each padding adds conditions to the one around it: they are not gathered into one access without end.
#[test]
fn paddings_of_paddings_are_compiled_soon() {
    let paddings = "let x = pad(x, left = 1, right = 1)\n".repeat(2000);
    let text = format!("let x = normal[4]\n{paddings}print sum(x)\n");
    let engine = dlmc::Engine::new(dlmc::Config::default()).unwrap();
    let start = std::time::Instant::now();
    let program = engine.compile(&text, dlmc::ProgramOptions::default(), FileProvider::new());
    assert!(program.is_ok(), "{:?}", program.err());
    assert!(start.elapsed().as_secs() < 8, "{:?}", start.elapsed());
}

#[test]
fn expressions_over_indices_that_double_are_refused() {
    let nested = |function: &str, depth: usize| {
        let (open, close) = ("g(".repeat(depth), ")".repeat(depth));
        format!(
            "{function}\nlet m: i32[2, 2] = [[0, 1], [1, 0]]\nlet x = normal[3]\nlet y[i < 2] = {open}x[i]{close}\nprint sum(y)\n"
        )
    };
    let sum = "fn g(a) { a + a * a }";
    assert_eq!(codes(&nested(sum, 45)), ["E0451"]);
    assert_eq!(codes(&nested(sum, 5)), [""; 0]);
    let access = nested("fn g(a) { m[a, a] }", 45)
        .replace("x[i]", "i")
        .replace("sum(y)", "y");
    assert_eq!(codes(&access), ["E0451"]);
}

#[test]
fn a_mistake_in_a_schedule_is_told_once() {
    let text = "let set = data(x = [[1.0], [2.0], [3.0]], y = [1.0, 2.0, 3.0])
layer line(x: [n, d]) -> [n] {
param w: [d] = zeros
param b: [] = zeros
x @ w + b
}
let f = line()
train f on set {
loss = mse
optimizer = adam(lr = cosine(0.1, epochs = 9223372036854775807))
epochs = 3
batch = 2
}
";
    assert_eq!(codes(text), ["E0307"]);
}

#[cfg(unix)]
#[test]
fn devices_are_no_data() {
    let errors = codes("let d = csv(\"/dev/zero\")\nprint d.x\n");
    assert!(!errors.is_empty());
    assert_eq!(codes("import \"/dev/zero\"\nprint 1\n"), ["E0502"]);
}

#[cfg(feature = "cli")]
mod support;

/// The memory that a program needs is compared with the machine's before any of it is taken.
#[cfg(all(feature = "cli", target_os = "linux"))]
#[test]
fn more_memory_than_the_machine_has_is_refused_before_the_run() {
    let folder = support::Folder::new("limits");
    folder.write("m.dlm", "let x = normal[1000000, 100000]\nprint x\n");
    let (_, said) = folder.run(1, &["run", "m.dlm"]);
    assert!(
        said.contains("E0606") && said.contains("GB of memory"),
        "{said}"
    );
}

/// Weights are read in the middle of a run: one that waited for a pipe could not be stopped either.
#[cfg(all(feature = "cli", unix))]
#[test]
fn weights_in_a_pipe_are_refused_at_once() {
    let folder = support::Folder::new("pipes");
    let made = std::process::Command::new("mkfifo")
        .arg(folder.at("w.npz"))
        .status();
    assert!(made.expect("every Unix has it").success());
    let program = "layer line(x: [n, d]) -> [n] {\nparam w: [d] = zeros\nx @ w\n}\nlet f = line()\nload f from \"w.npz\"\nprint f([[1.0]])\n";
    folder.write("m.dlm", program);
    let (_, said) = folder.run(1, &["run", "m.dlm"]);
    assert!(said.contains("is not an ordinary file"), "{said}");
}

#[test]
fn what_holds_itself_again_and_again_is_refused_soon() {
    let wrapped = "fn w(g) { fn (x) { g(x) } }\nlet f = w(fn (x) { x })\n".to_string()
        + &"let f = w(f)\n".repeat(4000);
    assert_eq!(codes(&wrapped), ["E0413"]);
    let church = "fn two(f) { fn (x) { f(f(x)) } }\nlet n = two(two)\n".to_string()
        + &"let n = n(two)\n".repeat(4);
    let found = codes(&church);
    assert!(matches!(found[..], ["E0413" | "E0450"]), "{found:?}");
    let nested = "let t = (1, 2)\n".to_string() + &"let t = (t, 1)\n".repeat(1000);
    let found = codes(&nested);
    assert!(
        !found.is_empty() && found.iter().all(|&code| code == "E0453"),
        "{found:?}"
    );
    let mut scans = "last(h)".to_string();
    for at in 0..70 {
        scans = format!("last(scan i{at} in 0..2, h = h {{ {scans} }})");
    }
    assert_eq!(codes(&format!("let h = 0.0\nprint {scans}\n")), ["E0607"]);
}

/// Within the limits of calls and of expressions, and yet deeper together than any thread's own stack.
#[test]
fn calls_in_expressions_in_calls_do_not_overflow_the_stack() {
    let mut text = "fn f0(x) { x }\n".to_string();
    for at in 1..20 {
        let signs = "-".repeat(480);
        text += &format!("fn f{at}(x) {{ {signs}f{}(x) }}\n", at - 1);
    }
    text += "print f19(1)\n";
    let engine = dlmc::Engine::new(dlmc::Config::default()).expect("an engine");
    let options = dlmc::ProgramOptions::default();
    let program = engine.compile(&text, options, FileProvider::new());
    assert!(program.is_ok(), "{:?}", program.err());
}

#[test]
fn fields_that_no_two_records_share_make_no_table_larger_than_its_text_by_far() {
    let folder = std::env::temp_dir().join(format!("dlmc-fields-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a folder");
    let text: String = (0..20_000)
        .map(|at| format!("{{\"f{at}\": 1}}\n"))
        .collect();
    let path = folder.join("t.jsonl");
    std::fs::write(&path, text).expect("a file");
    let program = format!(
        "let d = jsonl({:?})\nprint d\n",
        path.to_str().expect("UTF-8")
    );
    assert_eq!(codes(&program), ["E0502"]);
    std::fs::remove_dir_all(&folder).expect("the folder goes");
}
