//! Receipts, driven from outside: a run trained again gives the same bits, and what differs is named.
#![cfg(feature = "cli")]

mod support;

use serde_json::{Value, json};
use support::{Folder, programs};

const PROGRAMS: [&str; 3] = ["epochs.dlm", "loops.dlm", "mixed.dlm"];

#[test]
fn receipts_agree_for_any_number_of_threads_and_in_another_process() {
    let folder = programs("threads");
    for program in PROGRAMS {
        let mut first = Value::Null;
        for threads in ["1", "1", "2", "3", "8"] {
            folder.run(
                0,
                &["run", program, "--threads", threads, "--receipt", "r.json"],
            );
            let receipt = folder.receipt("r.json");
            if first.is_null() {
                first = receipt.clone();
            }
            assert_eq!(receipt, first, "{program} on {threads} threads");
        }
        for threads in ["1", "2", "3", "8"] {
            let (stdout, stderr) = folder.run(0, &["verify", "r.json", "--threads", threads]);
            let count = |list: &str| first[list].as_array().expect("a list").len();
            let (steps, tensors) = (count("steps"), count("tensors"));
            assert!(steps > 100, "{steps}");
            let expected = format!("identical: {steps} steps, {tensors} tensors, the output\n");
            assert_eq!(stdout, expected);
            assert_eq!(stderr, "");
        }
    }
}

/// The names of the files of a list of a receipt.
fn files(list: &Value) -> Vec<String> {
    let list = list.as_array().expect("a list");
    list.iter()
        .map(|file| file["file"].as_str().expect("a name").to_string())
        .collect()
}

#[test]
fn a_receipt_names_all_that_the_run_depends_on() {
    let folder = programs("names");
    let arguments = [
        "run",
        "epochs.dlm",
        "hidden=3",
        "epochs=1",
        "--seed",
        "5",
        "--receipt",
        "r.json",
    ];
    folder.run(0, &arguments);
    let receipt = folder.receipt("r.json");
    assert_eq!(receipt["receipt"], json!(1));
    assert_eq!(
        receipt["compiler"],
        json!(concat!("dlmc ", env!("CARGO_PKG_VERSION")))
    );
    assert_eq!(files(&receipt["sources"]), ["epochs.dlm", "parts.dlm"]);
    assert_eq!(files(&receipt["data"]), ["points.csv"]);
    assert_eq!(receipt["settings"], json!({"hidden": "3", "epochs": "1"}));
    assert_eq!(
        (&receipt["seed"], &receipt["skip"]),
        (&json!(5), &json!([]))
    );
    // SHA-256 as `sha256sum` has it.
    let hash = <sha2::Sha256 as sha2::Digest>::digest(support::PARTS);
    let hash: String = hash.iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(receipt["sources"][1]["sha256"], json!(hash));
    // Each loss reads back to the bits that it was.
    for step in receipt["steps"].as_array().expect("a list") {
        let text = step.as_str().expect("digits");
        let loss: f64 = text.parse().expect("a number");
        assert_eq!(format!("{loss:?}"), text);
        assert_eq!(f64::from(loss as f32), loss, "the loss is an f32");
    }
    folder.run(0, &["verify", "r.json"]);
}

#[test]
fn a_receipt_names_each_file_of_a_pattern_and_of_the_test_part() {
    let folder = Folder::new("receipt-pattern");
    for (name, text) in [
        ("p1.csv", "x,y\n1,2\n"),
        ("p2.csv", "x,y\n3,4\n"),
        ("t.csv", "x,y\n5,6\n"),
    ] {
        folder.write(name, text);
    }
    let program = "let set = csv(\"p*.csv\", test = \"t.csv\") |> target(\"y\")\nprint sum(set.train.x) + sum(set.test.y)\n";
    folder.write("sums.dlm", program);
    folder.run(0, &["run", "sums.dlm", "--receipt", "r.json"]);
    let receipt = folder.receipt("r.json");
    assert_eq!(files(&receipt["data"]), ["p1.csv", "p2.csv", "t.csv"]);
    folder.write("p2.csv", "x,y\n3,5\n");
    let (_, said) = folder.run(1, &["verify", "r.json"]);
    assert!(said.contains("p2.csv"), "{said}");
}

/// Changes a receipt and gives what `verify` then says; it must end with 1.
fn changed(name: &str, program: &str, change: impl Fn(&mut Value)) -> String {
    let folder = programs(name);
    folder.run(0, &["run", program, "--receipt", "r.json"]);
    let text = std::fs::read(folder.at("r.json")).expect("it is there");
    let mut receipt: Value = serde_json::from_slice(&text).expect("JSON");
    change(&mut receipt);
    folder.write("r.json", &receipt.to_string());
    let (stdout, stderr) = folder.run(1, &["verify", "r.json"]);
    stdout + &stderr
}

#[test]
fn the_first_step_that_differs_is_named() {
    let said = changed("step", "epochs.dlm", |receipt| {
        for step in [41, 57] {
            let text = receipt["steps"][step].as_str().expect("digits");
            let loss: f64 = text.parse().expect("a number");
            // The next number of the type.
            let other = f32::from_bits((loss as f32).to_bits() + 1);
            receipt["steps"][step] = json!(format!("{:?}", f64::from(other)));
        }
    });
    assert!(
        said.starts_with("step 42 (epoch 5/12, its step 2/10) differs: "),
        "{said}"
    );
    let said = changed("state", "loops.dlm", |receipt| {
        receipt["steps"][99] = json!("state 00000000");
    });
    assert!(said.starts_with("step 100 differs: state "), "{said}");
    assert!(
        said.contains(" here, state 00000000 in the receipt\n"),
        "{said}"
    );
}

#[test]
fn more_or_fewer_steps_are_named() {
    let said = changed("more", "epochs.dlm", |receipt| {
        receipt["steps"]
            .as_array_mut()
            .expect("a list")
            .push(json!("0.5"));
    });
    assert_eq!(said, "the run ends after 120 steps, the receipt has 121\n");
    let said = changed("fewer", "epochs.dlm", |receipt| {
        receipt["steps"]
            .as_array_mut()
            .expect("a list")
            .truncate(100);
    });
    assert!(
        said.starts_with("step 101 (epoch 11/12, its step 1/10) is one more"),
        "{said}"
    );
}

#[test]
fn weights_and_output_that_differ_are_named() {
    let said = changed("weights", "epochs.dlm", |receipt| {
        receipt["tensors"][1]["sha256"] = json!("0");
    });
    assert_eq!(said, "all steps agree, the final `net.dense_1.b` differs\n");
    let said = changed("output", "epochs.dlm", |receipt| {
        receipt["output"] = json!("0")
    });
    assert_eq!(said, "steps and weights agree, the lines printed differ\n");
}

#[test]
fn changed_files_are_named_before_training() {
    let folder = programs("files");
    folder.run(0, &["run", "epochs.dlm", "--receipt", "r.json"]);
    let refused = |file: &str, text: &str, reason: &str| {
        let before = std::fs::read_to_string(folder.at(file)).expect("it is there");
        folder.write(file, text);
        let (stdout, stderr) = folder.run(1, &["verify", "r.json"]);
        assert_eq!(stdout, "");
        assert!(stderr.contains(reason), "{reason}\n{stderr}");
        assert_eq!(stderr.matches("note: ").count(), 1, "{stderr}");
        folder.write(file, &before);
    };
    let points = support::points();
    refused(
        "points.csv",
        &points.replace("k1", "k2"),
        "\"./points.csv\" has changed",
    );
    refused("parts.dlm", "print 1 +", "\"./parts.dlm\" has changed");
    refused(
        "epochs.dlm",
        "print 1\n",
        "the program \"epochs.dlm\" has changed",
    );
    std::fs::remove_file(folder.at("points.csv")).expect("it is there");
    let (_, stderr) = folder.run(1, &["verify", "r.json"]);
    assert!(
        stderr.contains("\"./points.csv\" cannot be read"),
        "{stderr}"
    );
    folder.write("points.csv", &points);
    folder.run(0, &["verify", "r.json"]);
}

#[test]
fn what_the_program_wrote_stays_as_it_is() {
    let folder = programs("stays");
    folder.run(0, &["run", "epochs.dlm", "--receipt", "r.json"]);
    folder.write("best.safetensors", "other weights");
    folder.run(0, &["verify", "r.json"]);
    let found = std::fs::read_to_string(folder.at("best.safetensors")).expect("it is there");
    assert_eq!(found, "other weights");
}

#[test]
fn weights_that_the_program_loads_are_data() {
    let folder = programs("loaded");
    folder.write(
        "save.dlm",
        &(support::LOOPS.to_string() + "save g to \"g.safetensors\"\n"),
    );
    let load = support::LOOPS.replace("for round", "load g from \"g.safetensors\"\nfor round");
    folder.write("load.dlm", &load);
    folder.run(0, &["run", "save.dlm"]);
    folder.run(0, &["run", "load.dlm", "--receipt", "r.json"]);
    assert_eq!(
        folder.receipt("r.json")["data"][0]["file"],
        json!("g.safetensors")
    );
    folder.run(0, &["verify", "r.json"]);
    folder.run(0, &["run", "save.dlm", "--seed", "1"]);
    let (_, stderr) = folder.run(1, &["verify", "r.json"]);
    assert!(
        stderr.contains("\"./g.safetensors\" has changed"),
        "{stderr}"
    );
}

#[test]
fn a_program_is_found_beside_its_receipt_or_where_it_is_given() {
    let folder = programs("beside");
    folder.run(0, &["run", "loops.dlm", "--receipt", "r.json"]);
    let receipt = folder.at("r.json").display().to_string();
    std::fs::create_dir_all(folder.at("inner")).expect("a folder");
    let verify = |code: i32, arguments: &[&str]| {
        let mut command = folder.command(&[&["verify"], arguments].concat());
        let output = command
            .current_dir(folder.at("inner"))
            .output()
            .expect("it runs");
        support::ended(code, arguments, &output)
    };
    verify(0, &[&receipt]);
    std::fs::rename(folder.at("loops.dlm"), folder.at("inner/moved.dlm")).expect("it moves");
    let (_, stderr) = verify(2, &[&receipt]);
    assert!(stderr.contains("\"loops.dlm\" cannot be read"), "{stderr}");
    verify(0, &[&receipt, "moved.dlm"]);
}

#[test]
fn what_is_no_receipt_is_refused() {
    let folder = programs("none");
    let refused = |text: &str, code: i32, reason: &str| {
        folder.write("r.json", text);
        let (_, stderr) = folder.run(code, &["verify", "r.json"]);
        assert!(stderr.starts_with("error: \"r.json\" "), "{stderr}");
        assert!(stderr.contains(reason), "{reason}\n{stderr}");
    };
    refused("", 1, "is not JSON");
    refused("{}", 1, "is not a receipt of dlmc");
    refused("{\"receipt\": 2}", 1, "by a newer dlmc, in version 2");
    refused("{\"receipt\": 1}", 1, "is not a whole receipt");
    let (_, stderr) = folder.run(2, &["verify", "nowhere.json"]);
    assert!(
        stderr.contains("\"nowhere.json\" cannot be read"),
        "{stderr}"
    );
}

#[test]
fn a_receipt_that_cannot_be_written_is_an_error_before_training() {
    let folder = programs("unwritten");
    for place in ["no/such/folder/r.json", "."] {
        let (stdout, stderr) = folder.run(2, &["run", "loops.dlm", "--receipt", place]);
        assert_eq!(stdout, "");
        assert!(stderr.contains("cannot be written"), "{stderr}");
    }
    let (stdout, stderr) = folder.run(2, &["run", "-", "--receipt", "r.json"]);
    assert_eq!(stdout, "");
    assert!(
        stderr.contains("from standard input has no receipt"),
        "{stderr}"
    );
}

/// A device that never ends, or a pipe that nobody writes, in place of the receipt and in place of a file that it names.
#[test]
#[cfg(unix)]
fn a_device_is_neither_a_receipt_nor_data_of_one() {
    let folder = programs("devices");
    let mut make = std::process::Command::new("mkfifo");
    let made = make.arg(folder.at("pipe")).status();
    assert!(made.expect("mkfifo is there").success());
    for file in ["/dev/zero", "pipe"] {
        let (_, stderr) = folder.run(2, &["verify", file]);
        let told = format!("\"{file}\" cannot be read: it is not an ordinary file");
        assert!(stderr.contains(&told), "{stderr}");
    }
    folder.run(0, &["run", "epochs.dlm", "epochs=1", "--receipt", "r.json"]);
    let text = std::fs::read_to_string(folder.at("r.json")).expect("it is there");
    let mut receipt: Value = serde_json::from_str(&text).expect("it is JSON");
    let data = receipt["data"].as_array_mut().expect("a list");
    data.push(json!({"file": "/dev/zero", "sha256": "0"}));
    std::fs::write(folder.at("r.json"), receipt.to_string()).expect("it can be written");
    let (_, stderr) = folder.run(1, &["verify", "r.json"]);
    let told = "note: \"/dev/zero\" cannot be read: it is not an ordinary file";
    assert!(stderr.contains(told), "{stderr}");
}
