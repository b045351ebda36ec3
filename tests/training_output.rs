//! What a run leaves beside its results: the log, the events for TensorBoard, the report. Each is read back by code of its own.
#![cfg(feature = "cli")]

use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::Duration;

const TRAINING: &str = "
let set = data(x = [[1, 0], [0, 1], [1, 1], [-1, 0.5]], y = [2, -1, 1, -2.5])
layer linear(x: [n, d]) -> [n] {
    param theta: [d] = zeros
    x @ theta
}
hyper rate = 0.05
let f = linear()
train f on set {
    loss = mse
    optimizer = sgd(lr = rate)
    epochs = 3
    batch = 2
    validate = set
    metrics = [r2]
}
print \"<b>done</b> & {1 + 1}\"
";

/// A folder of its own for a test, with a program in it.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str, program: &str) -> Folder {
        let folder = std::env::temp_dir().join(format!("dlmc-out-{}-{name}", std::process::id()));
        std::fs::create_dir_all(&folder).expect("a folder");
        std::fs::write(folder.join("program.dlm"), program).expect("a program");
        Folder(folder)
    }

    fn run(&self, arguments: &[&str]) -> Output {
        Command::new(env!("CARGO_BIN_EXE_dlmc"))
            .current_dir(&self.0)
            .args(["run", "program.dlm"])
            .args(arguments)
            .output()
            .expect("the command runs")
    }

    fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.0.join(name)).expect("the file is there")
    }

    /// The lines of a log.
    fn log(&self, name: &str) -> Vec<Value> {
        let text = self.read(name);
        let lines = text.lines();
        lines
            .map(|line| serde_json::from_str(line).expect("a line of JSON"))
            .collect()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        std::fs::remove_dir_all(&self.0).ok();
    }
}

fn succeeds(output: &Output) {
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{errors}");
    assert_eq!(errors, "");
}

fn kinds<'a>(lines: &'a [Value], kind: &str) -> Vec<&'a Value> {
    lines.iter().filter(|line| line["kind"] == kind).collect()
}

#[test]
fn the_log_has_a_line_for_each_step_and_epoch() {
    let folder = Folder::new("log", TRAINING);
    succeeds(&folder.run(&["rate=0.1", "--seed", "7", "--log", "run.jsonl"]));
    let lines = folder.log("run.jsonl");
    let run = &lines[0];
    assert_eq!((&run["kind"], &run["log"]), (&"run".into(), &1.into()));
    assert_eq!(run["program"], "program.dlm");
    assert_eq!(run["settings"]["rate"], "0.1");
    assert_eq!((&run["seed"], &run["steps_before"]), (&7.into(), &0.into()));
    assert!(
        run["compiler"]
            .as_str()
            .is_some_and(|c| c.starts_with("dlmc "))
    );
    assert!(
        run["started"]
            .as_str()
            .is_some_and(|t| t.ends_with('Z') && t.len() == 20)
    );
    let steps = kinds(&lines, "step");
    let numbers: Vec<u64> = steps.iter().filter_map(|s| s["step"].as_u64()).collect();
    assert_eq!(numbers, [1, 2, 3, 4, 5, 6]);
    assert!(steps.iter().all(|step| step["loss"].is_f64()));
    let epochs = kinds(&lines, "epoch");
    assert_eq!(epochs.len(), 3);
    for (at, epoch) in epochs.iter().enumerate() {
        assert_eq!(
            (&epoch["epoch"], &epoch["epochs"]),
            (&(at + 1).into(), &3.into())
        );
        // The mean of the epoch's two steps, which an f32 holds.
        let of = |step: usize| steps[2 * at + step]["loss"].as_f64().expect("a number");
        let loss = epoch["loss"].as_f64().expect("a number");
        assert!((loss - (of(0) + of(1)) / 2.0).abs() < 1e-5, "{loss}");
        assert!(epoch["metrics"]["val_r2"].is_f64() && epoch["metrics"]["val_loss"].is_f64());
    }
    assert_eq!(kinds(&lines, "output")[0]["text"], "<b>done</b> & 2");
    let end = lines.last().expect("a line");
    assert_eq!(
        (&end["kind"], &end["outcome"]),
        (&"end".into(), &"finished".into())
    );
    let times: Vec<f64> = lines
        .iter()
        .filter_map(|line| line["time"].as_f64())
        .collect();
    assert!(times.len() == lines.len() && times.is_sorted(), "{times:?}");
}

#[test]
fn a_run_that_goes_on_adds_to_its_log() {
    let folder = Folder::new("resumed", TRAINING);
    let arguments = ["--checkpoint", "state", "--resume", "--log", "run.jsonl"];
    assert!(folder.run(&arguments).status.success());
    // What a process that was killed may leave behind.
    let torn = folder.read("run.jsonl") + "{\"kind\":\"step\",\"ti";
    std::fs::write(folder.0.join("run.jsonl"), torn).expect("written");
    assert!(folder.run(&arguments).status.success());
    let text = folder.read("run.jsonl");
    let runs: Vec<Value> = text
        .lines()
        .filter_map(|line| serde_json::from_str(line).ok())
        .filter(|line: &Value| line["kind"] == "run")
        .collect();
    assert_eq!(runs.len(), 2, "{text}");
    assert!(runs[1]["steps_before"].as_u64() > Some(0), "{text}");
}

#[test]
fn a_run_that_fails_says_so_in_its_log() {
    let text = format!("{TRAINING}assert mse(f(set.x), set.y) > 100.0, \"never\"\n");
    let folder = Folder::new("fails", &text);
    let output = folder.run(&["--log", "run.jsonl"]);
    assert_eq!(output.status.code(), Some(1));
    let lines = folder.log("run.jsonl");
    let end = lines.last().expect("a line");
    assert_eq!(end["outcome"], "failed");
    assert!(
        end["error"]
            .as_str()
            .is_some_and(|why| why.contains("never"))
    );
}

#[test]
fn what_cannot_be_written_is_known_before_the_run() {
    let folder = Folder::new("nowhere", TRAINING);
    std::fs::write(folder.0.join("file"), "").expect("written");
    for (option, path) in [
        ("--log", "none/run.jsonl"),
        ("--tensorboard", "file"),
        ("--report", "none/run.html"),
    ] {
        let output = folder.run(&[option, path]);
        let errors = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{option}: {errors}");
        assert!(
            errors.contains("cannot be written") && errors.contains(path),
            "{errors}"
        );
        assert!(output.stdout.is_empty());
    }
}

/// CRC-32C bit by bit, as its definition has it.
fn crc32c(bytes: &[u8]) -> u32 {
    let mut sum = u32::MAX;
    for byte in bytes {
        sum ^= u32::from(*byte);
        for _ in 0..8 {
            sum = if sum & 1 == 1 {
                (sum >> 1) ^ 0x82F6_3B78
            } else {
                sum >> 1
            };
        }
    }
    !sum
}

fn masked(bytes: &[u8]) -> u32 {
    let sum = crc32c(bytes);
    sum.rotate_right(15).wrapping_add(0xA282_EAD8)
}

/// The payloads of a TFRecord file, whose checksums must hold.
fn records(mut bytes: &[u8]) -> Vec<&[u8]> {
    let mut found = Vec::new();
    while !bytes.is_empty() {
        let (head, rest) = bytes.split_at(12);
        let sum = |bytes: &[u8]| u32::from_le_bytes(bytes.try_into().expect("four bytes"));
        assert_eq!(sum(&head[8..]), masked(&head[..8]), "the length's checksum");
        let length = u64::from_le_bytes(head[..8].try_into().expect("eight bytes"));
        let (payload, rest) = rest.split_at(length as usize);
        assert_eq!(sum(&rest[..4]), masked(payload), "the payload's checksum");
        found.push(payload);
        bytes = &rest[4..];
    }
    found
}

/// A field of a message of protocol buffers.
enum Field<'a> {
    Number(u64),
    Bytes(&'a [u8]),
}

fn variable(bytes: &mut &[u8]) -> u64 {
    let length = bytes.iter().take_while(|&&b| b >= 0x80).count() + 1;
    let (head, rest) = bytes.split_at(length);
    *bytes = rest;
    let part = |(at, byte): (usize, &u8)| u64::from(byte & 0x7F) << (7 * at);
    head.iter().enumerate().map(part).sum()
}

fn fields(mut bytes: &[u8]) -> Vec<(u64, Field<'_>)> {
    let mut found = Vec::new();
    while !bytes.is_empty() {
        let key = variable(&mut bytes);
        let length = match key & 7 {
            0 => {
                found.push((key >> 3, Field::Number(variable(&mut bytes))));
                continue;
            }
            1 => 8,
            2 => variable(&mut bytes) as usize,
            5 => 4,
            other => panic!("no field is written in way {other}"),
        };
        let (value, rest) = bytes.split_at(length);
        found.push((key >> 3, Field::Bytes(value)));
        bytes = rest;
    }
    found
}

fn bytes_of<'a>(message: &[(u64, Field<'a>)], number: u64) -> Vec<&'a [u8]> {
    let of = |(found, field): &(u64, Field<'a>)| match field {
        Field::Bytes(bytes) if *found == number => Some(*bytes),
        _ => None,
    };
    message.iter().filter_map(of).collect()
}

/// Tag, step and value of every scalar of an event file, whose first event must name the version.
fn scalars(path: &Path) -> Vec<(String, u64, f32)> {
    let bytes = std::fs::read(path).expect("the file is there");
    let mut found = Vec::new();
    for (at, record) in records(&bytes).into_iter().enumerate() {
        let event = fields(record);
        let time = bytes_of(&event, 1)[0].try_into().expect("eight bytes");
        assert!(f64::from_le_bytes(time) > 1e9, "seconds since 1970");
        if at == 0 {
            assert_eq!(bytes_of(&event, 3), [b"brain.Event:2"]);
        }
        let step = event.iter().find_map(|(number, field)| match field {
            Field::Number(value) if *number == 2 => Some(*value),
            _ => None,
        });
        for summary in bytes_of(&event, 5) {
            for value in bytes_of(&fields(summary), 1) {
                let value = fields(value);
                let tag = String::from_utf8_lossy(bytes_of(&value, 1)[0]).into_owned();
                let number = bytes_of(&value, 2)[0].try_into().expect("four bytes");
                found.push((tag, step.expect("a step"), f32::from_le_bytes(number)));
            }
        }
    }
    found
}

#[test]
fn tensorboard_gets_what_the_log_gets() {
    let folder = Folder::new("board", TRAINING);
    succeeds(&folder.run(&["--log", "run.jsonl", "--tensorboard", "runs/a"]));
    let files = std::fs::read_dir(folder.0.join("runs/a")).expect("a folder");
    let files: Vec<PathBuf> = files.map(|file| file.expect("a file").path()).collect();
    assert_eq!(files.len(), 1);
    let name = files[0].file_name().expect("a name").to_string_lossy();
    assert!(name.starts_with("events.out.tfevents."), "{name}");
    let mut wanted = Vec::new();
    for line in folder.log("run.jsonl") {
        let number = |value: &Value| value.as_f64().map(|number| number as f32);
        let mut add = |tag: &str, value: &Value| {
            let step = line["step"].as_u64().expect("a step");
            wanted.push((tag.to_string(), step, number(value).expect("a number")));
        };
        match line["kind"].as_str() {
            Some("step") => add("step/loss", &line["loss"]),
            Some("epoch") => {
                add("epoch/loss", &line["loss"]);
                add("epoch/val_loss", &line["metrics"]["val_loss"]);
                add("epoch/val_r2", &line["metrics"]["val_r2"]);
            }
            _ => {}
        }
    }
    assert_eq!(wanted.len(), 6 + 3 * 3);
    assert_eq!(scalars(&files[0]), wanted);
}

/// The text of a page without its tags, which must be closed in the order in which they were opened.
fn text_of(page: &str) -> String {
    const ALONE: [&str; 3] = ["!doctype", "meta", "img"];
    let (mut open, mut text): (Vec<&str>, String) = (Vec::new(), String::new());
    let mut rest = page;
    while let Some((before, tag)) = rest.split_once('<') {
        text += before;
        let (tag, after) = tag.split_once('>').expect("a tag ends");
        let name = tag.split([' ', '/']).find(|part| !part.is_empty());
        let name = name.expect("a tag has a name");
        rest = after;
        if tag.starts_with('/') {
            assert_eq!(open.pop(), Some(name), "{tag} after {before}");
        } else if !tag.ends_with('/') && !ALONE.contains(&name) {
            open.push(name);
        }
        // What stands in these is no HTML.
        if ["style", "script"].contains(&tag) {
            rest = &rest[rest.find("</").expect("it ends")..];
        }
    }
    assert!(open.is_empty(), "{open:?} are open at the end");
    text + rest
}

#[test]
fn the_report_is_one_file_with_all_that_was_seen() {
    let folder = Folder::new("report", TRAINING);
    let plain = folder.run(&[]);
    let output = folder.run(&["--report", "run.html", "--seed", "3", "rate=0.07"]);
    succeeds(&output);
    let page = folder.read("run.html");
    let text = text_of(&page);
    for part in ["http:", "https:", "src=", "<link", "@import", "url("] {
        assert!(!page.contains(part), "{part} is in the page");
    }
    assert!(page.contains("&lt;b&gt;done&lt;/b&gt; &amp; 2"), "{page}");
    for part in [
        "program.dlm",
        "finished",
        "f.theta",
        "f32[2]",
        "0.07",
        "3 of 3 epochs of 2 steps",
        "val_r2",
        "Memory plan",
    ] {
        assert!(text.contains(part), "{part}\n{text}");
    }
    // Losses of both kinds in one chart, the metric, and the losses of the steps.
    let mut lengths = Vec::new();
    for chart in page.split("class=\"card chart\"").skip(1) {
        let data = |name: &str| {
            let (_, data) = chart.split_once(&format!("{name}='")).expect("it is there");
            let (data, _) = data.split_once('\'').expect("it ends");
            serde_json::from_str::<Value>(data).expect("a list")
        };
        let curves = data("data-y");
        let curves = curves.as_array().expect("curves");
        let places = data("data-x").as_array().expect("places").len();
        assert!(
            curves
                .iter()
                .all(|curve| curve.as_array().map(Vec::len) == Some(places))
        );
        lengths.push((curves.len(), places));
    }
    assert_eq!(lengths, [(2, 3), (1, 3), (1, 6)]);
    // A measured run computes what an ordinary one does.
    let same = folder.run(&["--report", "again.html"]);
    assert_eq!(plain.stdout, same.stdout);
    // What nobody sets has the value that the program says.
    let own = text_of(&folder.read("again.html"));
    assert!(own.contains("rate") && own.contains("0.05"), "{own}");
    let files = std::fs::read_dir(&folder.0).expect("a folder").count();
    assert_eq!(files, 3, "the program and two reports");
}

#[test]
#[cfg(unix)]
fn the_report_is_there_while_the_run_goes_on() {
    let text = TRAINING.replace("epochs = 3", "epochs = 100000000");
    let folder = Folder::new("live", &text);
    let mut child = Command::new(env!("CARGO_BIN_EXE_dlmc"))
        .current_dir(&folder.0)
        .args(["run", "program.dlm", "--quiet", "--report", "run.html"])
        .stderr(Stdio::null())
        .spawn()
        .expect("the command runs");
    // The first page is that of a run without steps.
    let mut page = String::new();
    while !page.contains("loss of the steps") && child.try_wait().expect("our child").is_none() {
        std::thread::sleep(Duration::from_millis(50));
        page = std::fs::read_to_string(folder.0.join("run.html")).unwrap_or_default();
    }
    let stopped = Command::new("kill")
        .args(["-INT", &child.id().to_string()])
        .status();
    assert!(stopped.expect("kill runs").success());
    assert_eq!(child.wait().expect("our child").code(), Some(130));
    let text = text_of(&page);
    assert!(text.contains("running at "), "{text}");
    assert!(page.contains("http-equiv=\"refresh\""), "{page}");
    let page = folder.read("run.html");
    let text = text_of(&page);
    assert!(text.contains("interrupted by a signal"), "{text}");
    assert!(text.contains("Memory plan"), "{text}");
    assert!(!page.contains("http-equiv"), "{page}");
}

#[test]
fn the_report_of_a_run_that_fails_says_why() {
    let text = format!("{TRAINING}assert mse(f(set.x), set.y) > 100.0, \"a < b\"\n");
    let folder = Folder::new("failed", &text);
    let output = folder.run(&["--report", "run.html"]);
    assert_eq!(output.status.code(), Some(1));
    let page = folder.read("run.html");
    assert!(
        text_of(&page).contains("failed: the assertion does not hold: a &lt; b"),
        "{page}"
    );
}

#[test]
fn a_program_without_training_has_a_report_too() {
    let folder = Folder::new("untrained", "print 1.5\n");
    succeeds(&folder.run(&["--report", "run.html"]));
    let text = text_of(&folder.read("run.html"));
    assert!(
        text.contains("1.5") && !text.contains("Parameters"),
        "{text}"
    );
}

#[test]
fn the_report_of_a_classifier_has_its_confusion_matrix() {
    let folder = Folder::new("classifier", "");
    let page = folder.0.join("run.html");
    let iris = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/iris.dlm");
    let output = Command::new(env!("CARGO_BIN_EXE_dlmc"))
        .args(["run", iris, "--report"])
        .arg(&page)
        .output()
        .expect("the command runs");
    succeeds(&output);
    let page = folder.read("run.html");
    text_of(&page);
    let (_, matrix) = page.split_once("class=\"matrix\"").expect("a matrix");
    let (matrix, _) = matrix.split_once("</table>").expect("its end");
    let cells = matrix.split("<td").skip(1).filter_map(|cell| {
        let (_, cell) = cell.split_once('>')?;
        let (cell, _) = cell.split_once('<')?;
        Some(cell.parse().unwrap_or(0))
    });
    let cells: Vec<u32> = cells.collect();
    // Thirty flowers, all of them recognised, as the program says.
    assert_eq!((cells.len(), cells.iter().sum::<u32>()), (9, 30));
    assert_eq!(cells[0] + cells[4] + cells[8], 30);
    assert!(matrix.contains("<th>setosa</th>"), "{matrix}");
    assert_eq!(
        String::from_utf8_lossy(&output.stdout),
        "accuracy on the test part 1.0000\n"
    );
}

/// The page of a run of a program beside its data.
fn page_of(name: &str, program: &str) -> String {
    let folder = Folder::new(name, program);
    succeeds(&folder.run(&["--quiet", "--report", "run.html"]));
    let page = folder.read("run.html");
    text_of(&page);
    page
}

#[test]
fn the_report_of_a_regression_shows_what_was_predicted() {
    let page = page_of("regression", TRAINING);
    let (_, section) = page
        .split_once("<h2>Predictions</h2>")
        .expect("the section");
    let (section, _) = section.split_once("<h2>").expect("the next one");
    assert!(section.contains("Of the 4 rows"), "{section}");
    assert_eq!(section.matches("<circle").count(), 4, "{section}");
    assert_eq!(section.matches("<tr><td>").count(), 4, "{section}");
}

#[test]
fn the_report_of_yes_and_no_and_of_sequences_has_its_confusion_matrix() {
    let yes = "let set = data(x = [[1.0, 0], [0, 1], [1, 1], [-1, 0.5]], y = [1.0, 0, 1, 0])\n\
        layer score(x: [n, d]) -> [n] { reshape(x |> dense(1), [n]) }\n\
        let f = score()\n\
        train f on set {\n    loss = binary_cross_entropy\n    optimizer = sgd(lr = 1.0)\n    epochs = 50\n\
        batch = 2\n    validate = set\n    metrics = [binary_accuracy]\n}\n";
    let page = page_of("yes-and-no", yes);
    let (_, matrix) = page.split_once("class=\"matrix\"").expect("a matrix");
    assert!(matrix.contains(">2</td>"), "{matrix}");

    // Of unequal length, so that the layer's mask says which steps exist.
    let mut table = String::from("series,v,kind\n");
    for series in 0..12 {
        for step in 0..3 + series % 4 {
            let value = f64::from(step) * if series % 2 == 0 { 0.5 } else { -0.5 };
            table += &format!(
                "s{series},{value},{}\n",
                ["up", "down"][series as usize % 2]
            );
        }
    }
    let program = "let set = csv(\"t.csv\") |> sequences(by = \"series\", target = \"kind\")\n\
        layer model(x: [n, t, d], mask: bool[n, t]) -> [n, 2] {\n\
        x |> dense(4) |> mean_over_time(mask = mask) |> dense(2)\n}\n\
        let net = model()\n\
        train net on set {\n    loss = cross_entropy\n    optimizer = adam(lr = 0.1)\n    epochs = 20\n\
        batch = 4\n    validate = set\n    metrics = [accuracy]\n}\n";
    let folder = Folder::new("sequences", program);
    std::fs::write(folder.0.join("t.csv"), table).expect("a table");
    succeeds(&folder.run(&["--quiet", "--report", "run.html"]));
    let page = folder.read("run.html");
    let (_, matrix) = page.split_once("class=\"matrix\"").expect("a matrix");
    assert!(matrix.contains("<th>down</th>"), "{matrix}");
    let without = page_of("no-part", &TRAINING.replace("validate = set", ""));
    assert!(without.contains("a part to `validate` on"), "{without}");
}

#[test]
fn a_loss_that_rose_is_told_at_the_end_and_one_that_fell_is_not() {
    let folder = Folder::new("rose", TRAINING);
    let said = |arguments: &[&str]| {
        let run = folder.run(arguments);
        assert!(run.status.success());
        String::from_utf8(run.stderr).expect("UTF-8")
    };
    let rose = said(&["rate=2"]);
    assert!(rose.starts_with("warning: the loss rose, from "), "{rose}");
    assert!(rose.contains("\nhelp: a learning rate"), "{rose}");
    assert_eq!(said(&["rate=2", "--quiet"]), "");
    assert_eq!(said(&[]), "");
}

/// Two models that learn by loops by hand; each step prints its two losses.
const BY_HAND: &str = "
let set = data(x = [[1, 0], [0, 1], [1, 1], [-1, 0.5], [2, 1]], y = [2, -1, 1, -2.5, 3])
layer linear(x: [n, d]) -> [n] {
    param theta: [d] = zeros
    x @ theta
}
let (f, g) = (linear(), linear())
for epoch in 0..3 {
    for b in set |> batches(2) {
        let first = minimize mse(f(b.x), b.y) with sgd(lr = 0.05)
        let second = minimize mean(abs(g(b.x) - b.y)) with sgd(lr = 0.05)
        print \"{first:.9e} {second:.9e}\"
    }
}
";

#[test]
fn the_losses_of_loops_by_hand_are_seen() {
    let folder = Folder::new("by-hand", BY_HAND);
    let all = [
        "--log",
        "run.jsonl",
        "--tensorboard",
        "runs",
        "--report",
        "run.html",
    ];
    let plain = folder.run(&[]);
    let output = folder.run(&all);
    succeeds(&output);
    assert_eq!(plain.stdout, output.stdout);
    let printed = String::from_utf8_lossy(&output.stdout);
    let printed = printed.split_whitespace().map(|word| word.parse::<f64>());
    let printed: Vec<f64> = printed.map(|word| word.expect("a number")).collect();
    let lines = folder.log("run.jsonl");
    let losses = kinds(&lines, "loss");
    let logged: Vec<f64> = losses
        .iter()
        .filter_map(|line| line["loss"].as_f64())
        .collect();
    assert_eq!(logged.len(), 2 * 3 * 3);
    for (logged, printed) in logged.iter().zip(&printed) {
        assert!(
            (logged - printed).abs() <= 1e-8 * printed,
            "{logged} {printed}"
        );
    }
    for (at, line) in losses.iter().enumerate() {
        let (text, place) = match at % 2 {
            0 => ("mse(f(b.x), b.y)", "program.dlm:10:30"),
            _ => ("mean(abs(g(b.x) - b.y))", "program.dlm:11:31"),
        };
        let step = at as u64 / 2 + 1;
        assert_eq!(
            (&line["objective"], &line["at"]),
            (&text.into(), &place.into())
        );
        assert_eq!(line["step"], step, "{line}");
    }
    let events = std::fs::read_dir(folder.0.join("runs")).expect("the folder");
    let files: Vec<PathBuf> = events
        .map(|entry| entry.expect("readable").path())
        .collect();
    let wanted: Vec<(String, u64, f32)> = losses
        .iter()
        .map(|line| {
            let tag = format!("loop/{}", line["objective"].as_str().expect("a text"));
            let loss = line["loss"].as_f64().expect("a number") as f32;
            (tag, line["step"].as_u64().expect("a step"), loss)
        })
        .collect();
    assert_eq!(scalars(&files[0]), wanted);
    let page = folder.read("run.html");
    assert_eq!(page.split("class=\"card chart\"").count(), 3);
    let text = text_of(&page);
    for part in ["mean(abs(g(b.x) - b.y))", "training steps", "steps/s"] {
        assert!(text.contains(part), "{part}\n{text}");
    }
    let shown = folder.run(&["--progress"]);
    let shown = String::from_utf8_lossy(&shown.stderr).into_owned();
    let row = shown
        .lines()
        .find(|line| line.starts_with("mse(f(b.x), b.y)"));
    assert!(row.is_some(), "{shown}");
}

/// A loop of steps that is native code, 1000 turns of it.
const NATIVE: &str = "
let x: [4, 2] = [[1, 2], [2, 3], [3, 4], [4, 5]]
layer linear(x: [n, d]) -> [n] {
    param theta: [d] = zeros
    x @ theta
}
let f = linear()
repeat 1000 {
    minimize mse(f(x), [2, 3, 4, 5]) with sgd(lr = 0.01)
}
print \"{f.theta:.9e}\"
";

#[test]
fn a_native_loop_of_steps_shows_some_of_its_losses() {
    let folder = Folder::new("native", NATIVE);
    let (plain, output) = (folder.run(&[]), folder.run(&["--log", "native.jsonl"]));
    succeeds(&output);
    assert_eq!(plain.stdout, output.stdout);
    // The same loop, each of whose turns the host takes part in.
    let each = NATIVE.replace("    minimize", "    let loss = minimize");
    let each = each.replace("lr = 0.01)\n", "lr = 0.01)\n    print loss\n");
    std::fs::write(folder.0.join("program.dlm"), each).expect("written");
    succeeds(&folder.run(&["--log", "each.jsonl"]));
    let losses = |name: &str| -> Vec<(u64, f64)> {
        let lines = folder.log(name);
        let of = |line: &Value| Some((line["step"].as_u64()?, line["loss"].as_f64()?));
        kinds(&lines, "loss").into_iter().filter_map(of).collect()
    };
    let (some, all) = (losses("native.jsonl"), losses("each.jsonl"));
    assert_eq!(all.len(), 1000);
    assert!((200..300).contains(&some.len()), "{}", some.len());
    assert_eq!((some[0].0, some[some.len() - 1].0), (1, 1000));
    for (step, loss) in &some {
        assert_eq!(
            (step, loss),
            (&all[*step as usize - 1].0, &all[*step as usize - 1].1)
        );
    }
}

#[test]
fn the_losses_before_a_fault_are_in_the_log() {
    let folder = Folder::new("diverges", &NATIVE.replace("0.01", "1.0"));
    let output = folder.run(&["--log", "run.jsonl"]);
    assert_eq!(output.status.code(), Some(1));
    let lines = folder.log("run.jsonl");
    let losses = kinds(&lines, "loss");
    let values: Vec<Option<f64>> = losses.iter().map(|line| line["loss"].as_f64()).collect();
    let (last, before) = values.split_last().expect("some are there");
    assert!(
        before.len() > 2 && before.is_sorted() && before[0].is_some(),
        "{values:?}"
    );
    assert_eq!(*last, None, "what was not finite");
    let step = &losses.last().expect("some are there")["step"];
    assert_eq!(&lines.last().expect("a line")["step"], step);
    assert_eq!(lines.last().expect("a line")["outcome"], "failed");
}

/// A loop by hand whose host takes no part in it; run 1024 of it, the last that a slice notes, is one divided by zero.
const FULL: &str = "
layer scale(x: [n]) -> [n] {
    param w: [] = ones
    x * w
}
let f = scale()
for i in 0..5000 {
    let loss = minimize mean(f([1.0])) / (1 - relu(f32(i) - 1022)) with sgd(lr = 0.001)
}
print f.w
";

#[test]
fn a_fault_is_found_whether_or_not_its_losses_are_seen() {
    let folder = Folder::new("full", FULL);
    let said = |arguments: &[&str]| {
        let output = folder.run(arguments);
        assert_eq!(output.status.code(), Some(1));
        String::from_utf8_lossy(&output.stderr).into_owned()
    };
    let quiet = said(&["--quiet"]);
    assert!(quiet.starts_with("error[E0605]"), "{quiet}");
    assert_eq!(said(&["--quiet", "--log", "run.jsonl"]), quiet);
    let lines = folder.log("run.jsonl");
    assert_eq!(kinds(&lines, "loss").len(), 1024);
    assert_eq!(lines.last().expect("a line")["step"], 1024);
}
