//! What `dlmc run` shows on a terminal: the test holds the other end of one and looks at its screen.
#![cfg(all(unix, feature = "cli"))]

use pty_process::Size;
use pty_process::blocking::{Command, open};
use std::io::Read;
use std::time::{Duration, Instant};

const LENET: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/lenet.dlm");

/// A training of many short epochs.
const EPOCHS: &str = "
let set = data(x = [[1, 0], [0, 1], [1, 1], [-1, 0.5]], y = [2, -1, 1, -2.5])
layer linear(x: [n, d]) -> [n] {
    param theta: [d] = zeros
    x @ theta
}
let f = linear()
train f on set {
    loss = mse
    optimizer = sgd(lr = 0.05)
    epochs = 60
    batch = 2
    validate = set
    metrics = [r2]
}
print \"done\"
";

/// Loops of steps with results between them.
const LOOPS: &str = "
let x = normal[64, 32]
let y = normal[64, 1]
layer net(x: [n, d]) -> [n, 1] { x |> dense(64) |> tanh |> dense(1) }
let f = net()
for part in 1..=4 {
    repeat 3000 { minimize mse(f(x), y) with sgd(lr = 0.01) }
    print \"part {part} is done\"
}
";

/// What came out of a terminal.
struct Seen {
    /// Every chunk that was read.
    text: String,
    /// The rows of the screen at the end, without blanks at their ends.
    rows: Vec<String>,
    /// How often the line was drawn.
    drawn: usize,
    time: Duration,
    code: Option<i32>,
}

/// Runs a program on a terminal of that many columns.
fn seen(file: &str, columns: u16, arguments: &[&str], variables: &[(&str, &str)]) -> Seen {
    let (mut terminal, end) = open().expect("a terminal");
    terminal.resize(Size::new(100, columns)).expect("its size");
    let mut command = Command::new(env!("CARGO_BIN_EXE_dlmc"))
        .args(["run", file])
        .args(arguments)
        .env_remove("NO_COLOR")
        .env_remove("FORCE_COLOR")
        .env("LC_ALL", "C.UTF-8")
        .env("TERM", "xterm-256color");
    for (name, value) in variables {
        command = command.env(name, value);
    }
    let start = Instant::now();
    let mut child = command.spawn(end).expect("the command starts");
    let mut bytes = Vec::new();
    let mut chunk = [0; 4096];
    // A terminal whose other end is closed gives an error on some systems and nothing on others.
    while let Ok(length @ 1..) = terminal.read(&mut chunk) {
        bytes.extend_from_slice(&chunk[..length]);
    }
    let time = start.elapsed();
    let mut screen = vt100::Parser::new(100, columns, 0);
    screen.process(&bytes);
    let rows = screen.screen().rows(0, columns);
    let mut rows: Vec<String> = rows.map(|row| row.trim_end().to_string()).collect();
    while rows.last().is_some_and(String::is_empty) {
        rows.pop();
    }
    let text = String::from_utf8(bytes).expect("UTF-8");
    Seen {
        drawn: text.matches("\x1b[K").count(),
        rows,
        text,
        time,
        code: child.wait().expect("it ends").code(),
    }
}

/// Runs a program that is written to a file first.
fn seen_text(name: &str, text: &str, columns: u16, arguments: &[&str]) -> Seen {
    let path = std::env::temp_dir().join(format!("dlmc-terminal-{}-{name}", std::process::id()));
    std::fs::write(&path, text).expect("written");
    let seen = seen(&path.display().to_string(), columns, arguments, &[]);
    std::fs::remove_file(&path).expect("removed");
    seen
}

/// The longest line that is ever drawn, without what steers the terminal.
fn widest(text: &str) -> usize {
    let mut plain = String::new();
    let mut rest = text.chars();
    while let Some(c) = rest.next() {
        match c {
            '\x1b' => {
                rest.by_ref().find(char::is_ascii_alphabetic);
            }
            c => plain.push(c),
        }
    }
    let lines = plain.split(['\r', '\n']);
    lines.map(|line| line.chars().count()).max().unwrap_or(0)
}

/// All after what was compiled, a line that is as long as the path of the program.
fn below_the_first_line(text: &str) -> &str {
    let (_, text) = text.split_once("compiled in").expect("the first line");
    let (_, text) = text.split_once('\n').expect("its end");
    text
}

#[test]
fn an_epoch_leaves_a_line_and_the_end_a_table() {
    let seen = seen(LENET, 100, &[], &[]);
    let screen = seen.rows.join("\n");
    assert_eq!(seen.code, Some(0), "{screen}");
    let epochs: Vec<&String> = seen
        .rows
        .iter()
        .filter(|r| r.starts_with("epoch"))
        .collect();
    assert_eq!(epochs.len(), 4, "{screen}");
    assert!(epochs[0].starts_with("epoch 1/4  loss "), "{screen}");
    let place = |row: &str| row.find("val_accuracy").expect("the metric");
    assert!(
        epochs.iter().all(|row| place(row) == place(epochs[0])),
        "{screen}"
    );
    let table = seen
        .rows
        .iter()
        .position(|row| row.ends_with("last      best  in epoch"));
    let table = &seen.rows[table.unwrap_or_else(|| panic!("no table in\n{screen}"))..];
    assert!(
        table[1].starts_with("loss ") && table[3].starts_with("val_accuracy "),
        "{screen}"
    );
    assert!(table[4].starts_with("4 epochs of 63 steps in "), "{screen}");
    assert!(table[4].ends_with(" steps/s"), "{screen}");
    assert_eq!(table.len(), 5, "nothing is left of the line\n{screen}");
    // The line itself: it was drawn, with all that belongs to it, and no more than ten times a second.
    for part in ["step ", " steps/s", " left", "loss", "\x1b[K"] {
        assert!(seen.text.contains(part), "{part}\n{:?}", seen.text);
    }
    assert!(seen.text.contains(['▁', '█']), "{:?}", seen.text);
    let most = (seen.time.as_secs_f64() * 10.0) as usize + 8;
    assert!((3..=most).contains(&seen.drawn), "{} of {most}", seen.drawn);
    assert!(widest(below_the_first_line(&seen.text)) < 100);
}

#[test]
fn a_narrow_terminal_is_never_exceeded() {
    let seen = seen(LENET, 36, &["--color", "never"], &[]);
    let text = below_the_first_line(&seen.text);
    assert!(text.contains("epoch 1/4  loss "), "{text}");
    assert!(widest(text) < 36, "{}: {text:?}", widest(text));
}

#[test]
fn many_epochs_leave_some_lines_and_all_end_well() {
    let seen = seen_text("epochs", EPOCHS, 80, &[]);
    let screen = seen.rows.join("\n");
    let epochs: Vec<&str> = seen
        .rows
        .iter()
        .filter_map(|row| row.strip_prefix("epoch "))
        .filter_map(|row| row.split('/').next())
        .map(str::trim)
        .collect();
    assert_eq!(epochs[..3], ["1", "5", "10"], "{screen}");
    assert_eq!(epochs.last(), Some(&"60"), "{screen}");
    assert_eq!(epochs.len(), 13, "{screen}");
    assert!(seen.rows.iter().any(|row| row == "done"), "{screen}");
    assert!(screen.contains("\n60 epochs of 2 steps in "), "{screen}");
}

#[test]
fn what_the_program_prints_stands_between() {
    let seen = seen_text("loops", LOOPS, 80, &[]);
    let screen = seen.rows.join("\n");
    for part in 1..=4 {
        let line = format!("part {part} is done");
        assert!(seen.rows.contains(&line), "{screen}");
    }
    let last = seen.rows.last().expect("a line");
    assert!(last.starts_with("12000 steps in "), "{screen}");
    // The first line, four results, the last line.
    assert_eq!(
        seen.rows.iter().filter(|row| row.contains("part ")).count(),
        4
    );
    assert!(
        !screen.contains("turn"),
        "nothing is left of the line\n{screen}"
    );
}

#[test]
fn quiet_says_only_what_the_program_prints() {
    let seen = seen_text("quiet", EPOCHS, 80, &["--quiet"]);
    assert_eq!(seen.text, "done\r\n");
}

#[test]
fn colour_can_be_refused_and_a_dumb_terminal_gets_plain_lines() {
    let seen_with = |variables: &[(&str, &str)]| seen(LENET, 80, &[], variables).text;
    let refused = seen_with(&[("NO_COLOR", "1"), ("FORCE_COLOR", "1")]);
    assert!(
        refused.contains("\x1b[K") && !refused.contains("\x1b[2m"),
        "{refused:?}"
    );
    let dumb = seen_with(&[("TERM", "dumb")]);
    assert!(
        !dumb.contains('\x1b') && dumb.contains("epoch 4/4  loss "),
        "{dumb:?}"
    );
    let ascii = seen_with(&[("LC_ALL", "C")]);
    assert!(ascii.contains("\x1b[2m") && ascii.is_ascii(), "{ascii:?}");
}
