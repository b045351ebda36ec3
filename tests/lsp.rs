//! The language server, driven by a client over its standard input and output.
#[path = "lsp/client.rs"]
mod client;

use client::{Client, applied, covered, place, position, repository};
use serde_json::{Value, json};

const PROGRAM: &str = r#"# A small program.
hyper rate = 0.1
let θ = normal[4, 3]
let 𝜃𝜃 = normal[4, 3]

## Adds a bias; one for each column.
layer shifted(scale = 1.0)(x: [n, d]) -> [n, d] {
    param bias: [d] = zeros
    let y = scale * x
    y + bias
}

fn twice(values: [..s]) { 2 * values }

let net = shifted(scale = 2.0)
let out = θ + 𝜃𝜃 |> net |> dense(5) |> relu
let z = twice(values = out)
print max(z), max(net.bias)
"#;

fn labels(answer: &Value) -> Vec<String> {
    let items = answer.as_array().unwrap().iter();
    items
        .map(|item| item["label"].as_str().unwrap().to_string())
        .collect()
}

fn hover(client: &mut Client, uri: &str, text: &str, mark: &str) -> String {
    let answer = client.at("textDocument/hover", uri, text, mark);
    answer["contents"]["value"]
        .as_str()
        .unwrap_or("")
        .to_string()
}

/// The message of `dlmc check` and of the server are of the same words.
#[test]
fn an_example_is_clean_and_broken_ones_say_what_check_says() {
    let mut client = Client::ready();
    let path = repository("examples/iris.dlm");
    let text = std::fs::read_to_string(&path).unwrap();
    let uri = format!("file://{}", path.display());
    client.open_uri(&uri, &text);
    assert_eq!(client.diagnostics(&uri, 1), Vec::<Value>::new());

    let broken = text.replace("iris.csv", "irsi.csv");
    client.change(&uri, 2, &broken);
    let found = client.diagnostics(&uri, 2);
    assert_eq!(found.len(), 1, "{found:?}");
    let first = &found[0];
    assert_eq!(first["code"], "E0501");
    assert_eq!(first["severity"], 1);
    assert_eq!(first["source"], "dlmc");
    let message = first["message"].as_str().unwrap();
    assert!(
        message.contains("there is no file \"data/irsi.csv\""),
        "{message}"
    );
    assert!(
        message.contains("help: did you mean \"data/iris.csv\"?"),
        "{message}"
    );

    let broken = "let a = [1, 2\nlet b = 1 +\nlet c = unknwon + 1\nlet s = \"open\nlet t = ?\n";
    client.change(&uri, 3, broken);
    let found = client.diagnostics(&uri, 3);
    let codes: Vec<&str> = found.iter().map(|d| d["code"].as_str().unwrap()).collect();
    assert!(
        codes.contains(&"E0102") && codes.contains(&"E0103"),
        "{codes:?}"
    );
    assert!(
        codes.contains(&"E0201"),
        "names are checked beside them: {codes:?}"
    );
    let unknown = found.iter().find(|d| d["code"] == "E0201").unwrap();
    assert_eq!(covered(broken, &unknown["range"]), "unknwon");

    client.change(&uri, 4, "let a = normal[2, 3]\nlet b = a @ normal[4, 5]\n");
    let found = client.diagnostics(&uri, 4);
    assert_eq!(found[0]["code"], "E0317", "{found:?}");
    let related = found[0]["relatedInformation"].as_array().unwrap();
    assert_eq!(related[0]["location"]["uri"], uri);
    assert!(
        related[0]["message"].as_str().unwrap().contains("[2, 3]"),
        "{related:?}"
    );

    client.change(&uri, 5, &text);
    assert_eq!(client.diagnostics(&uri, 5), Vec::<Value>::new());
    client.tell(
        "textDocument/didClose",
        json!({"textDocument": {"uri": uri}}),
    );
    assert_eq!(client.end(), 0);
}

#[test]
fn hover_shows_types_and_documentation() {
    let mut client = Client::ready();
    let uri = client.open("a.dlm", PROGRAM);
    let mut at = |mark: &str| hover(&mut client, &uri, PROGRAM, mark);
    assert_eq!(at("θ + 𝜃𝜃"), "```dlm\nθ: f32[4, 3]\n```");
    assert_eq!(at("𝜃𝜃 |>"), "```dlm\n𝜃𝜃: f32[4, 3]\n```");
    assert_eq!(at("out = θ"), "```dlm\nout: f32[4, units = 5]\n```");
    assert_eq!(at("|> dense"), "```dlm\nf32[4, units = 5]\n```");
    assert_eq!(
        at("rate = 0.1"),
        "```dlm\nrate: a hyper-parameter, 0.1\n```"
    );
    let own = at("shifted(scale = 2.0)");
    assert!(
        own.starts_with("```dlm\nlayer shifted(scale = 1.0)(x: [n, d]) -> [n, d]\n```"),
        "{own}"
    );
    assert!(own.ends_with("Adds a bias; one for each column."), "{own}");
    let library = at("dense(5)");
    assert!(
        library.starts_with("```dlm\nlayer dense(units)"),
        "{library}"
    );
    assert!(library.contains("A fully connected layer"), "{library}");
    assert_eq!(at("scale * x"), "```dlm\nscale: a number, 2\n```");
    assert_eq!(at("y + bias"), "```dlm\ny: f32[n = 4, d = 3]\n```");
    assert_eq!(at("n, d]) ->"), "```dlm\nn: a whole number, 4\n```");
    let field = at("net.^bias");
    assert!(field.starts_with("```dlm\nbias: f32[d = 3]"), "{field}");
    assert_eq!(at("# A small"), "");
    let own = at("max(z)");
    assert!(own.starts_with("```dlm\nmax(x, over = d"), "{own}");
    assert!(own.contains("The largest element"), "{own}");
    assert_eq!(client.end(), 0);
}

#[test]
fn what_the_language_itself_knows_is_documented() {
    let mut client = Client::ready();
    let text = "let h = tanh(normal[3, 2])
let set = data(x = h, y = [0.0, 1, 0])
layer line(x: [n, d]) -> [n] { x |> dense(1) |> reshape([n]) }
let f = line()
train f on set {
    loss = mse
    optimizer = sgd(lr = 0.1)
}
let table = csv(\"a.csv\") |> target(\"y\")
let s = scan t in h, a = zeros[2] { a + t }
";
    let uri = client.open("a.dlm", text);
    for (mark, usage, said) in [
        ("tanh(", "tanh(x)", "The hyperbolic tangent"),
        ("data(", "data(x = ", "A data set of literals"),
        ("csv(", "csv(", "- `"),
        ("target(", "set |> target(", ""),
        ("layer line", "layer name(config)", "Declares a layer"),
        ("train f", "train net on set.train", "- `epochs`: How often"),
        ("scan t", "scan x_t in x", "Walks the first dimension"),
        ("loss = mse", "loss = cross_entropy", "What becomes small"),
        ("optimizer = ", "optimizer = adam", "The rule by which"),
    ] {
        let found = hover(&mut client, &uri, text, mark);
        let begin = format!("```dlm\n{usage}");
        assert!(
            found.starts_with(&begin) && found.contains(said),
            "{mark}: {found}"
        );
    }
    let mut doc = |position: Value, label: &str| {
        let parameters = json!({"textDocument": {"uri": uri}, "position": position});
        let found = client.ask("textDocument/completion", parameters);
        let items = found.as_array().unwrap();
        let item = items.iter().find(|item| item["label"] == label);
        let doc = &item.unwrap_or_else(|| panic!("{label}"))["documentation"]["value"];
        doc.as_str().unwrap_or_default().to_string()
    };
    for label in ["tanh", "csv", "sum", "train", "scan", "layer"] {
        let found = doc(json!({"line": 0, "character": 8}), label);
        assert!(found.starts_with("```dlm\n"), "{label}: {found}");
    }
    let found = doc(json!({"line": 6, "character": 4}), "optimizer");
    assert!(found.contains("The rule by which"), "{found}");
    assert_eq!(client.end(), 0);
}

#[test]
fn one_mistake_leaves_the_rest_known() {
    let mut client = Client::ready();
    let text = PROGRAM.replace("fn twice", "let broken = (1 + \n\nfn twice");
    let uri = client.open("a.dlm", &text);
    let found = client.diagnostics(&uri, 1);
    assert!(!found.is_empty());
    assert_eq!(
        hover(&mut client, &uri, &text, "out = θ"),
        "```dlm\nout: f32[4, units = 5]\n```"
    );
    let symbols = client.at("textDocument/documentSymbol", &uri, &text, "net");
    let names: Vec<&str> = symbols
        .as_array()
        .unwrap()
        .iter()
        .map(|symbol| symbol["name"].as_str().unwrap())
        .collect();
    for name in ["rate", "θ", "𝜃𝜃", "shifted", "twice", "net", "out", "z"] {
        assert!(names.contains(&name), "{name}: {names:?}");
    }
    assert_eq!(client.end(), 0);
}

#[test]
fn definitions_are_found_also_in_the_library_and_imports() {
    let mut client = Client::ready();
    let shared = "## Half of it.\nfn half(x: [..s]) { x / 2 }\nlet base = 3.5\n";
    std::fs::write(client.folder.join("shared.dlm"), shared).unwrap();
    let text = format!("import \"shared.dlm\"\n{PROGRAM}let h = half(z) * base\n");
    let uri = client.open("a.dlm", &text);
    let mut define = |mark: &str| {
        let answer = client.at("textDocument/definition", &uri, &text, mark);
        let target = answer["uri"].as_str().unwrap_or("").to_string();
        let text = match target == uri {
            true => text.clone(),
            false => std::fs::read_to_string(target.trim_start_matches("file://")).unwrap(),
        };
        (
            target,
            position(&text, "") == answer["range"]["start"],
            covered(&text, &answer["range"]),
            answer,
        )
    };
    let line = |text: &str, mark: &str| position(text, mark)["line"].clone();
    for (mark, name, declared) in [
        ("θ + 𝜃𝜃", "θ", "θ = normal"),
        ("shifted(scale = 2.0)", "shifted", "shifted(scale = 1.0)"),
        ("scale = 2.0", "scale", "scale = 1.0"),
        ("scale * x", "scale", "scale = 1.0"),
        ("values = out", "values", "values: "),
        ("y + bias", "y", "y = scale"),
        ("net.^bias", "bias", "bias: [d]"),
        ("d] {", "d", "d]) ->"),
    ] {
        let (target, _, covered, answer) = define(mark);
        assert_eq!(
            (target.as_str(), covered.as_str()),
            (uri.as_str(), name),
            "{mark}"
        );
        assert_eq!(
            answer["range"]["start"]["line"],
            line(&text, declared),
            "{mark}"
        );
    }
    let (target, _, covered, _) = define("dense(5)");
    assert!(
        target.ends_with("/layers.dlm") && target.contains("/cache/"),
        "{target}"
    );
    assert_eq!(covered, "dense");
    let (target, _, covered, _) = define("half(z)");
    assert!(target.ends_with("/shared.dlm"), "{target}");
    assert_eq!(covered, "half");
    let (_, _, covered, _) = define("base\n");
    assert_eq!(covered, "base");
    let (target, first, ..) = define("\"shared");
    assert!(target.ends_with("/shared.dlm") && first, "{target}");
    let hovered = hover(&mut client, &uri, &text, "half(z)");
    assert!(hovered.contains("Half of it."), "{hovered}");
    let found = client.at("textDocument/references", &uri, &text, "scale * x");
    assert_eq!(found.as_array().unwrap().len(), 3, "{found}");
    assert_eq!(client.end(), 0);
}

#[test]
fn a_mistake_in_an_imported_file_is_told_where_it_is_imported() {
    let mut client = Client::ready();
    let shared = client.open("shared.dlm", "let a = 1\n");
    assert!(client.diagnostics(&shared, 1).is_empty());
    let text = "let x = 2\nimport \"shared.dlm\"\nlet y = a + x\n";
    let uri = client.open("main.dlm", text);
    assert!(
        client.diagnostics(&uri, 1).is_empty(),
        "the open text counts, no file is written"
    );
    client.change(&shared, 2, "let a = 1 + missing\n");
    let found = client.diagnostics(&uri, 1);
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!(covered(text, &found[0]["range"]), "import \"shared.dlm\"");
    let related = &found[0]["relatedInformation"][0];
    assert_eq!(related["location"]["uri"], shared);
    assert_eq!(client.end(), 0);
}

#[test]
fn completion_knows_names_arguments_and_fields() {
    let mut client = Client::ready();
    let uri = client.open("a.dlm", PROGRAM);
    assert!(client.diagnostics(&uri, 1).is_empty());
    let mut version = 1;
    let mut complete = |addition: &str, mark: &str| {
        version += 1;
        let text = match mark {
            "" => format!("{PROGRAM}{addition}"),
            mark => PROGRAM.replace(mark, &format!("{addition}{mark}")),
        };
        client.change(&uri, version, &text);
        let end = match mark {
            "" => text.len(),
            _ => text.find(addition).unwrap() + addition.len(),
        };
        let line = text[..end].matches('\n').count();
        let start = text[..end].rfind('\n').map_or(0, |at| at + 1);
        let character = text[start..end].encode_utf16().count();
        let position = json!({"line": line, "character": character});
        let parameters = json!({"textDocument": {"uri": uri}, "position": position});
        client.ask("textDocument/completion", parameters)
    };
    let found = complete("let q = ", "");
    let names = labels(&found);
    for name in [
        "θ",
        "𝜃𝜃",
        "net",
        "shifted",
        "twice",
        "dense",
        "cross_entropy",
        "sum",
        "scan",
        "rate",
    ] {
        assert!(names.iter().any(|label| label == name), "{name}: {names:?}");
    }
    assert!(!names.iter().any(|name| name == "bias"), "of another scope");
    let dense = found
        .as_array()
        .unwrap()
        .iter()
        .find(|i| i["label"] == "dense")
        .unwrap();
    let doc = dense["documentation"]["value"].as_str().unwrap();
    assert!(doc.contains("A fully connected layer"), "{doc}");
    let names = labels(&complete("let q = out |> dense(", ""));
    assert!(names.contains(&"units = ".into()), "{names:?}");
    // What comes through the pipe, or after the configuration, is nothing to name.
    let names = labels(&complete("let q = out |> conv2d(", ""));
    assert!(names.contains(&"stride = ".into()), "{names:?}");
    assert!(!names.contains(&"x = ".into()), "{names:?}");
    let names = labels(&complete("let q = out |> mse(", ""));
    assert!(names.contains(&"target = ".into()), "{names:?}");
    assert!(!names.contains(&"pred = ".into()), "{names:?}");
    let names = labels(&complete("let q = shifted(", ""));
    assert!(names.contains(&"scale = ".into()), "{names:?}");
    let names = labels(&complete("print net.", ""));
    assert_eq!(names, ["bias"]);
    let names = labels(&complete("    let q = \n", "    y + bias"));
    assert!(
        names.contains(&"y".into()) && names.contains(&"bias".into()),
        "{names:?}"
    );
    let names = labels(&complete("train net on data(x = θ) {\n    ", ""));
    assert!(
        names.contains(&"optimizer".into()) && names.contains(&"epochs".into()),
        "{names:?}"
    );
    assert!(labels(&complete("print \"a ", "")).is_empty());
    assert_eq!(client.end(), 0);
}

#[test]
fn renaming_changes_every_place_or_refuses() {
    let mut client = Client::ready();
    let uri = client.open("a.dlm", PROGRAM);
    let parameters = |mark: &str, new: &str| {
        let mut parameters = place(&uri, PROGRAM, mark);
        parameters["newName"] = new.into();
        parameters
    };
    for (mark, old, new, count) in [
        ("𝜃𝜃 |>", "𝜃𝜃", "ϕ", 2),
        ("θ + 𝜃𝜃", "θ", "weights", 2),
        ("scale * x", "scale", "factor", 3),
        ("net.^bias", "bias", "offset", 3),
        ("values = out", "values", "given", 3),
        ("d] {", "d", "width", 3),
    ] {
        let prepared = client.at("textDocument/prepareRename", &uri, PROGRAM, mark);
        assert_eq!(prepared["placeholder"], old);
        assert_eq!(covered(PROGRAM, &prepared["range"]), old, "{mark}");
        let answer = client.ask("textDocument/rename", parameters(mark, new));
        let edits = &answer["changes"][&uri];
        assert_eq!(edits.as_array().unwrap().len(), count, "{old}: {edits}");
        let text = applied(PROGRAM, edits);
        let other = client.open("renamed.dlm", &text);
        assert!(client.diagnostics(&other, 1).is_empty(), "{text}");
    }
    for (mark, new, why) in [
        ("dense(5)", "wide", "belongs to the standard library"),
        ("max(z)", "most", "belongs to the language"),
        ("scale * x", "layer", "is a word of the language"),
        ("scale * x", "3x", "is no name"),
        ("scale * x", "a b", "is no name"),
        ("scale * x", "for", "is a word of the language"),
        ("scale * x", "x", "already means something"),
        ("scale * x", "bias", "already means something"),
        ("out = θ", "net", "already means something"),
        ("out = θ", "relu", "belongs to the standard library"),
        ("let y", "z", "is no name that this file declares"),
        ("# A small", "z", "there is no name here"),
    ] {
        let said = client.refused("textDocument/rename", parameters(mark, new));
        assert!(said.contains(why), "{mark} to {new}: {said}");
    }
    let said = client.refused(
        "textDocument/prepareRename",
        place(&uri, PROGRAM, "dense(5)"),
    );
    assert!(said.contains("belongs to the standard library"), "{said}");
    assert_eq!(client.end(), 0);
}

#[test]
fn a_top_level_name_is_renamed_in_open_importers_too() {
    let mut client = Client::ready();
    let shared_text = "fn half(x: [..s]) { x / 2 }\n";
    let shared = client.open("shared.dlm", shared_text);
    let text = "import \"shared.dlm\"\nprint half(normal[2])\n";
    let uri = client.open("main.dlm", text);
    assert!(client.diagnostics(&uri, 1).is_empty());
    let mut parameters = place(&shared, shared_text, "half");
    parameters["newName"] = "halved".into();
    let answer = client.ask("textDocument/rename", parameters);
    let found = applied(text, &answer["changes"][&uri]);
    assert_eq!(found, text.replace("half", "halved"));
    let said = client.refused("textDocument/prepareRename", place(&uri, text, "half("));
    assert!(said.contains("rename it where it is"), "{said}");
    assert_eq!(client.end(), 0);
}

#[test]
fn outline_format_hints_and_mends() {
    let mut client = Client::ready();
    let uri = client.open("a.dlm", PROGRAM);
    let document = json!({"textDocument": {"uri": uri}});
    let symbols = client.ask("textDocument/documentSymbol", document.clone());
    let layer = symbols
        .as_array()
        .unwrap()
        .iter()
        .find(|s| s["name"] == "shifted")
        .unwrap();
    let children: Vec<&str> = layer["children"]
        .as_array()
        .unwrap()
        .iter()
        .map(|child| child["name"].as_str().unwrap())
        .collect();
    assert_eq!(children, ["scale", "x", "bias", "y"]);
    assert_eq!(covered(PROGRAM, &layer["selectionRange"]), "shifted");
    assert_eq!(
        client.ask("textDocument/formatting", document.clone()),
        json!([])
    );

    let whole = json!({"start": {"line": 0, "character": 0}, "end": {"line": 99, "character": 0}});
    let parameters = json!({"textDocument": {"uri": uri}, "range": whole});
    let hints = client.ask("textDocument/inlayHint", parameters);
    let shown: Vec<(u64, &str)> = hints
        .as_array()
        .unwrap()
        .iter()
        .map(|hint| {
            let line = hint["position"]["line"].as_u64().unwrap();
            (line, hint["label"].as_str().unwrap())
        })
        .collect();
    let line = position(PROGRAM, "let out")["line"].as_u64().unwrap();
    let stages: Vec<&str> = shown
        .iter()
        .filter(|(at, _)| *at == line)
        .map(|h| h.1)
        .collect();
    assert_eq!(
        stages,
        [
            ": [4, units = 5]",
            "[4, 3]",
            "[4, units = 5]",
            "[4, units = 5]"
        ]
    );
    assert!(shown.contains(&(2, ": [4, 3]")), "{shown:?}");

    let ugly = PROGRAM
        .replace("2 * values", "2*values")
        .replace("let z = ", "let z=");
    client.change(&uri, 2, &ugly);
    let edits = client.ask("textDocument/formatting", document.clone());
    assert_eq!(applied(&ugly, &edits), PROGRAM);

    let wrong = PROGRAM.replace("relu", "rleu");
    client.change(&uri, 3, &wrong);
    let found = client.diagnostics(&uri, 3);
    let parameters = json!({
        "textDocument": {"uri": uri},
        "range": found[0]["range"],
        "context": {"diagnostics": found},
    });
    let actions = client.ask("textDocument/codeAction", parameters);
    assert_eq!(actions[0]["title"], "Write `relu`");
    assert_eq!(
        applied(&wrong, &actions[0]["edit"]["changes"][&uri]),
        PROGRAM
    );

    client.change(&uri, 4, "let x = (\n");
    assert_eq!(client.ask("textDocument/formatting", document), Value::Null);
    assert_eq!(client.end(), 0);
}

#[test]
fn changes_of_ranges_count_utf16() {
    let mut client = Client::ready();
    let uri = client.open("a.dlm", PROGRAM);
    let start = position(PROGRAM, "𝜃𝜃 |> net");
    let end = position(PROGRAM, "|> net");
    let range = json!({"start": start, "end": end});
    client.changes(&uri, 2, json!([{"range": range, "text": "θ "}]));
    let text = PROGRAM.replace("𝜃𝜃 |> net", "θ |> net");
    assert_eq!(client.diagnostics(&uri, 2), Vec::<Value>::new());
    assert_eq!(
        hover(&mut client, &uri, &text, "|> relu"),
        "```dlm\nf32[4, units = 5]\n```"
    );
    let answer = client.at("textDocument/definition", &uri, &text, "θ |>");
    assert_eq!(covered(&text, &answer["range"]), "θ");
    assert_eq!(client.end(), 0);
}

#[test]
fn the_conversation_begins_and_ends_in_order() {
    let mut client = Client::start();
    let answer = client.answer("textDocument/hover", json!({}));
    assert_eq!(answer["error"]["code"], -32002);
    client.ask("initialize", json!({"capabilities": {}}));
    let answer = client.answer("initialize", json!({"capabilities": {}}));
    assert_eq!(answer["error"]["code"], -32600);
    let answer = client.answer("textDocument/unknown", json!({}));
    assert_eq!(answer["error"]["code"], -32601);
    let answer = client.answer("textDocument/hover", json!({"position": 3}));
    assert_eq!(answer["error"]["code"], -32602);
    let parameters = place("file:///not/open.dlm", "x", "x");
    assert_eq!(client.ask("textDocument/hover", parameters), Value::Null);
    client.raw(b"Content-Length: 3\r\n\r\n{]}");
    let answer = client.wait(|message| message["error"]["code"] == -32700);
    assert_eq!(answer["id"], Value::Null);
    client.tell("$/unknown", json!({}));
    client.ask("shutdown", Value::Null);
    let answer = client.answer("textDocument/hover", json!({}));
    assert_eq!(answer["error"]["code"], -32600);
    client.tell("exit", Value::Null);
    assert_eq!(client.code(), 0);
}

#[test]
fn an_end_without_shutdown_is_a_failure() {
    let mut client = Client::ready();
    client.tell("exit", Value::Null);
    assert_eq!(client.code(), 1);
    let mut client = Client::ready();
    client.close_input();
    assert_eq!(client.code(), 1);
}

#[test]
fn no_request_on_any_broken_text_is_a_fault() {
    let mut client = Client::ready();
    let texts = [
        "",
        "\u{feff}",
        "let",
        "layer f(x: [n",
        "let x = x\nlet (a, b) = 1\nfn f(x) { f(x) }\nprint f(1)\n",
        "for i in 0..3 { let a = ",
        "train",
        "import \"missing.dlm\"\nimport \"a.dlm\"\n",
        "print \"{x:.2} {y\"\n\"",
        "let 𝜃 = 1\n𝜃.𝜃 |> 𝜃(𝜃 = 𝜃)\n",
        "layer f(x: [n, n]) { for i in 0..2 { let x = x |> dense(i) } x }\nlet y = f()(normal[2, 3])\n",
        "}}}\n)))\n]]]\n@@@ |> |> ..",
    ];
    let uri = client.open("a.dlm", "");
    let mut version = 1;
    for text in texts {
        for (at, _) in text.char_indices().chain([(text.len(), ' ')]).step_by(3) {
            version += 1;
            let cut = &text[..at];
            client.change(&uri, version, cut);
            for method in [
                "textDocument/hover",
                "textDocument/definition",
                "textDocument/references",
                "textDocument/documentHighlight",
                "textDocument/completion",
                "textDocument/prepareRename",
                "textDocument/documentSymbol",
                "textDocument/formatting",
                "textDocument/inlayHint",
                "textDocument/rename",
            ] {
                let line = cut.matches('\n').count();
                for character in [0, 4, 9] {
                    let parameters = json!({
                        "textDocument": {"uri": uri},
                        "position": {"line": line, "character": character},
                        "newName": "other",
                    });
                    let answer = client.answer(method, parameters);
                    let code = &answer["error"]["code"];
                    let fine = code.is_null() || *code == -32803;
                    assert!(fine, "{method} of {cut:?}: {answer}");
                }
            }
        }
    }
    assert_eq!(client.end(), 0);
}

#[test]
fn the_files_of_the_library_are_programs_like_others() {
    let mut client = Client::ready();
    for entry in std::fs::read_dir(repository("std")).unwrap() {
        let path = entry.unwrap().path();
        let text = std::fs::read_to_string(&path).unwrap();
        let uri = client.open(path.file_name().unwrap().to_str().unwrap(), &text);
        assert_eq!(client.diagnostics(&uri, 1), Vec::<Value>::new(), "{uri}");
    }
    assert_eq!(client.end(), 0);
}

#[test]
fn a_name_of_two_meanings_is_not_renamed() {
    let mut client = Client::ready();
    let text = "let x = 3\nlayer f(y: [n]) {\n    for i in 0..2 {\n        let z = y * x\n        let x = i + 1\n    }\n    y + x\n}\nprint f()(normal[2])\n";
    let uri = client.open("a.dlm", text);
    assert!(client.diagnostics(&uri, 1).is_empty());
    let mut parameters = place(&uri, text, "x = 3");
    parameters["newName"] = "w".into();
    let said = client.refused("textDocument/rename", parameters);
    assert!(said.contains("means one of two things"), "{said}");
    assert_eq!(client.end(), 0);
}

/// Nesting near the limit of the language passes through every walk of the server.
#[test]
fn deep_texts_are_answered() {
    let mut client = Client::ready();
    let brackets = format!("let x = {}1{}\n", "(".repeat(250), ")".repeat(250));
    let chain = format!("let y = 1{}\n", " + 1".repeat(480));
    for (name, text) in [("a.dlm", brackets), ("c.dlm", chain)] {
        let uri = client.open(name, &text);
        assert!(client.diagnostics(&uri, 1).is_empty(), "{name}");
        let symbols = client.at("textDocument/documentSymbol", &uri, &text, "let");
        assert_eq!(symbols.as_array().unwrap().len(), 1, "{name}");
    }
    assert_eq!(client.end(), 0);
}
