//! The prompt: transcripts, the bits of programs typed line by line, and the terminal.
#![cfg(feature = "cli")]

mod support;

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use support::Folder;

fn here(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// Standard output, standard error and the exit code of a prompt that reads these inputs.
fn typed(folder: &Path, inputs: &str, arguments: &[&str]) -> (String, String, Option<i32>) {
    let mut child = Command::new(env!("CARGO_BIN_EXE_dlmc"))
        .arg("repl")
        .args(arguments)
        .current_dir(folder)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the command starts");
    let mut stdin = child.stdin.take().expect("a pipe");
    stdin.write_all(inputs.as_bytes()).expect("it reads");
    drop(stdin);
    let output = child.wait_with_output().expect("it ends");
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("UTF-8");
    (
        text(output.stdout),
        text(output.stderr),
        output.status.code(),
    )
}

/// What each input of a script gives, below the input. `DLMC_BLESS=1` writes the expected text anew.
#[test]
fn transcripts() {
    for name in ["values", "layers", "mistakes"] {
        let script =
            std::fs::read_to_string(here(&format!("tests/repl/{name}.in"))).expect("a script");
        let mut transcript = String::new();
        let mut before = (0, 0);
        let lines: Vec<&str> = script.lines().collect();
        let mut from = 0;
        for end in 1..=lines.len() {
            // What a line gives is what it adds to what the lines before it gave.
            let next = lines.get(end).copied().unwrap_or("");
            if next.starts_with([' ', '}']) {
                continue;
            }
            let (out, err, _) = typed(
                &here("tests"),
                &format!("{}\n", lines[..end].join("\n")),
                &[],
            );
            transcript += &format!("> {}\n", lines[from..end].join("\n> "));
            transcript += &out[before.0..];
            transcript += &err[before.1..];
            before = (out.len(), err.len());
            from = end;
        }
        let path = here(&format!("tests/repl/{name}.out"));
        if std::env::var_os("DLMC_BLESS").is_some() {
            std::fs::write(&path, &transcript).expect("written");
        }
        let expected = std::fs::read_to_string(&path).expect("an expected text");
        assert_eq!(transcript, expected, "{name}");
    }
}

#[test]
fn programs_typed_line_by_line_print_the_same_bits() {
    for name in [
        "linear_regression",
        "iris",
        "breast_cancer",
        "own_optimizer",
        "formula_conv",
        "rnn",
    ] {
        let file = format!("{name}.dlm");
        let text = std::fs::read_to_string(here("examples").join(&file)).expect("an example");
        let run = Command::new(env!("CARGO_BIN_EXE_dlmc"))
            .args(["run", &file])
            .current_dir(here("examples"))
            .output()
            .expect("it runs");
        let (out, err, code) = typed(&here("examples"), &text, &[]);
        assert_eq!(code, Some(0), "{name}: {err}");
        assert!(!out.is_empty(), "{name} prints");
        assert_eq!(out, String::from_utf8(run.stdout).expect("UTF-8"), "{name}");
    }
}

#[test]
fn a_file_is_run_first_and_its_folder_is_where_paths_start() {
    let folder = Folder::new("repl-file");
    folder.write(
        "model.dlm",
        "hyper lr = 0.1\nlet x = [1.0, 2]\nprint \"ready\"\n",
    );
    let file = folder.at("model.dlm");
    let inputs = "lr\nx * 2\n:save weights.safetensors\n";
    let (out, err, code) = typed(
        &here("tests"),
        inputs,
        &[file.to_str().expect("UTF-8"), "lr=0.5"],
    );
    assert_eq!(out, "ready\n0.5\n[2, 4]\nf32[2]\n");
    assert!(err.contains("no layer has weights yet"), "{err}");
    assert_eq!(code, Some(1), "an input was refused");
    let (_, err, code) = typed(&here("tests"), "", &["missing.dlm"]);
    assert_eq!(code, Some(2), "{err}");
}

#[test]
fn a_session_is_saved_as_a_program_and_its_weights_are_read_back() {
    let folder = Folder::new("repl-save");
    let inputs = "
layer line(x: [n, d]) -> [n, 1] { x |> dense(1) }
let f = line()
let x = [[1.0, 2], [3, 4]]
repeat 20 { minimize mse(f(x), [[1.0], [2.0]]) with sgd(0.02) }
f(x)
:save session.dlm
:save w.safetensors
";
    let (first, err, code) = typed(folder.at("").as_path(), inputs, &[]);
    assert_eq!(code, Some(0), "{err}");
    // The program of the session trains to the same bits; an expression alone is for prompts only.
    let again = typed(folder.at("").as_path(), ":load session.dlm\n", &[]);
    let shown = |text: &str| text.split("f32").next().map(str::to_string);
    assert_eq!(shown(&first), shown(&again.0), "{}", again.1);
    let inputs = "
layer line(x: [n, d]) -> [n, 1] { x |> dense(1) }
let f = line()
let x = [[1.0, 2], [3, 4]]
let unused = f(x)
:load w.safetensors
f(x)
";
    let read = typed(folder.at("").as_path(), inputs, &[]);
    let values = read.0.strip_prefix("f has the weights of w.safetensors\n");
    let values = values.expect("it says what it has read");
    assert_eq!(shown(&first), shown(values), "{}", read.1);
}

#[test]
fn times_and_kernels_are_shown_and_nothing_changes() {
    let inputs = "
let x = normal[64, 64]
let sum_before = sum(x)
layer line(x: [n, d]) -> [n, 1] { x |> dense(1) }
let f = line()
let a = sum(f(x))
:time repeat 5 { minimize mse(f(x), zeros[64, 1]) with sgd(0.1) }
:explain f(x)
a - sum(f(x))
";
    let (out, err, code) = typed(&here("tests"), inputs, &[]);
    assert_eq!(code, Some(0), "{err}");
    assert!(out.contains("(median of "), "{out}");
    assert!(
        out.contains("GFLOP/s") && out.contains("100.0 % of the time"),
        "{out}"
    );
    assert!(out.ends_with("\n0\n"), "trained on copies: {out}");
}

#[test]
fn each_of_many_expressions_is_answered() {
    let mut inputs = String::from("let x = [[1.0, 2, 3], [4, 5, 6]]\n");
    for number in 0..100 {
        inputs += &format!("x * {number}.5 + sum(x)\n");
    }
    let (out, err, code) = typed(&here("tests"), &inputs, &[]);
    assert_eq!((code, err.as_str()), (Some(0), ""));
    assert_eq!(out.matches("f32[2, 3]").count(), 100);
}

#[test]
fn a_reset_forgets_names_and_weights() {
    let inputs = "let x = 3\nlet f = dense(2)\nf(ones[1, 2])\n:reset\n:names\nx\nlet x = 4\nx\n";
    let (out, err, code) = typed(&here("tests"), inputs, &[]);
    assert_eq!(code, Some(1), "{out}");
    assert!(err.contains("unknown name `x`"), "{err}");
    assert!(out.ends_with("4\n"), "{out}");
}

#[test]
fn what_is_read_and_what_is_no_command_is_said() {
    let folder = Folder::new("repl-said");
    let inputs = "
let f = dense(2)
let y = f(ones[1, 3])
:save w.safetensors
:load w.safetensors
quit
help()
let exit = 3
exit
";
    let (out, err, code) = typed(folder.at("").as_path(), inputs, &[]);
    assert_eq!(
        out,
        "2 tensors with 8 parameters are in w.safetensors\nf has the weights of w.safetensors\n3\n"
    );
    assert_eq!(
        err,
        "`quit` is no name; commands begin with a colon: `:quit`\n`help` is no name; commands begin with a colon: `:help`\n"
    );
    assert_eq!(code, Some(1));
}

#[test]
fn what_is_typed_after_a_file_is_the_prompts_own_text() {
    let folder = Folder::new("repl-names");
    folder.write("odd.dlm", "let x = [1.0, 2]\nlet y = [1.0, 2, 3]\n");
    let inputs = "unknown\n1 + oops\nx + y\n:reset\nunknown\n";
    let (_, err, _) = typed(folder.at("").as_path(), inputs, &["odd.dlm"]);
    // An input that is wrong leaves no line behind.
    for place in ["input:1:1", "input:1:5"] {
        assert!(err.contains(place), "{place}: {err}");
    }
    assert!(!err.contains("odd.dlm"), "{err}");
    folder.write("wrong.dlm", "let x = [1.0, 2]\nprint x + [1.0, 2, 3]\n");
    let (_, err, _) = typed(folder.at("").as_path(), "unknown\n", &["wrong.dlm"]);
    assert!(err.contains("wrong.dlm:2:"), "{err}");
    assert!(err.contains("input:1:1"), "{err}");
    // A line that went well stands before the next.
    let (_, err, _) = typed(folder.at("").as_path(), "x\n\nunknown\n", &["odd.dlm"]);
    assert!(err.contains("input:2:1"), "{err}");
}

#[test]
fn commands_say_what_is_missing_and_take_quotes() {
    let folder = Folder::new("repl-quotes");
    let inputs = "hyper lr = 0.5
:set lr =
:set = 3
:save \"my file.dlm\"
:load \"my file.dlm\"
";
    let (out, err, code) = typed(folder.at("").as_path(), inputs, &[]);
    assert_eq!(out, "1 input is in my file.dlm\n", "{err}");
    assert_eq!(
        err,
        "the number is missing behind `=`: write `:set lr = 0.01`\nthe name of a hyper-parameter is missing before `=`: write `:set lr = 3`\n"
    );
    assert_eq!(code, Some(1));
    let saved = std::fs::read_to_string(folder.at("my file.dlm")).expect("it is saved");
    assert_eq!(saved, "hyper lr = 0.5\n");
}

#[cfg(unix)]
mod terminal {
    use super::support::Folder;
    use pty_process::Size;
    use pty_process::blocking::{Command, Pty, open};
    use std::io::{Read, Write};
    use std::time::{Duration, Instant};

    /// A prompt on a terminal.
    struct Prompt {
        terminal: Pty,
        columns: u16,
        child: std::process::Child,
        bytes: Vec<u8>,
        reader: std::sync::mpsc::Receiver<Vec<u8>>,
    }

    impl Prompt {
        fn new(folder: &Folder) -> Prompt {
            Prompt::of(folder, 100, &[])
        }

        /// One on a terminal of that many columns, with arguments.
        fn of(folder: &Folder, columns: u16, arguments: &[&str]) -> Prompt {
            Prompt::run(folder, columns, env!("CARGO_BIN_EXE_dlmc"), arguments)
        }

        fn run(folder: &Folder, columns: u16, program: &str, arguments: &[&str]) -> Prompt {
            let (terminal, end) = open().expect("a terminal");
            terminal.resize(Size::new(200, columns)).expect("its size");
            let child = Command::new(program)
                .args(arguments)
                .current_dir(folder.at(""))
                .env("DLMC_HISTORY", folder.at("history"))
                .env("NO_COLOR", "1")
                .env("LC_ALL", "C.UTF-8")
                .env("TERM", "xterm-256color")
                .spawn(end)
                .expect("it starts");
            let (sender, reader) = std::sync::mpsc::channel();
            let file = std::os::fd::AsFd::as_fd(&terminal).try_clone_to_owned();
            let mut file = std::fs::File::from(file.expect("another handle"));
            std::thread::spawn(move || {
                let mut chunk = [0; 4096];
                while let Ok(length @ 1..) = file.read(&mut chunk) {
                    if sender.send(chunk[..length].to_vec()).is_err() {
                        break;
                    }
                }
            });
            Prompt {
                terminal,
                columns,
                child,
                bytes: Vec::new(),
                reader,
            }
        }

        fn press(&mut self, keys: &str) {
            self.terminal.write_all(keys.as_bytes()).expect("it reads");
        }

        /// The screen without blanks at the ends of its lines.
        fn screen(&self) -> String {
            let mut screen = vt100::Parser::new(200, self.columns, 0);
            screen.process(&self.bytes);
            let rows = screen.screen().rows(0, self.columns);
            let rows: Vec<String> = rows.map(|row| row.trim_end().to_string()).collect();
            rows.join("\n").trim_end().to_string()
        }

        /// Waits until the screen ends with a text.
        fn until(&mut self, what: &str) {
            self.when(|screen| screen.ends_with(what), what);
        }

        /// Waits until the screen is as it should be.
        fn when(&mut self, holds: impl Fn(&str) -> bool, what: &str) {
            let start = Instant::now();
            while !holds(&self.screen()) {
                let left = Duration::from_secs(60).checked_sub(start.elapsed());
                let left = left.unwrap_or_else(|| panic!("no {what:?}:\n{}", self.screen()));
                match self.reader.recv_timeout(left) {
                    Ok(chunk) => self.bytes.extend(chunk),
                    Err(_) => panic!("no {what:?}:\n{}", self.screen()),
                }
            }
        }
    }

    impl Drop for Prompt {
        /// What a test leaves running ends with it.
        fn drop(&mut self) {
            // It has ended already where the test went well.
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
    }

    #[test]
    fn inputs_of_several_lines_completion_history_and_control_c() {
        let folder = Folder::new("repl-terminal");
        let mut prompt = Prompt::new(&folder);
        prompt.until("\ndlm>");
        // An open bracket asks for more.
        prompt.press("let x = [1.0,\r");
        prompt.press("2]\r");
        prompt.until("2]\ndlm>");
        prompt.press("x * 2\r");
        prompt.until("[2, 4]\nf32[2]\ndlm>");
        // Tab completes names and arguments.
        prompt.press("softpl\t");
        prompt.until("dlm> softplus");
        prompt.press("(x)\r");
        prompt.until("[1.313262, 2.126928]\nf32[2]\ndlm>");
        prompt.press("layer line(x: [n, d]) -> [n] {\rparam theta: [d] = zeros\rx @ theta\r}\r");
        prompt.until("}\ndlm>");
        prompt.press("let f = line()\r");
        prompt.until("line()\ndlm>");
        // Ctrl-C stops what runs, keeps the weights, and the prompt goes on.
        prompt.press("repeat 2000000000 { minimize mse(f([x]), [3.0]) with sgd(0.1) }\r");
        prompt.when(|screen| screen.contains("steps/s"), "steps/s");
        prompt.press("\x03");
        prompt.until("stopped; the weights are as the last step left them\ndlm>");
        prompt.press("f([x])\r");
        prompt.until("[3]\nf32[1]\ndlm>");
        // Ctrl-C at the prompt does not end the session, Ctrl-D does.
        prompt.press("\x03");
        prompt.until(":quit ends the session)\ndlm>");
        prompt.press("\x04");
        let start = Instant::now();
        let status = loop {
            match prompt.child.try_wait().expect("a child") {
                Some(status) => break status,
                None if start.elapsed() > Duration::from_secs(60) => {
                    panic!("Ctrl-D does not end it")
                }
                None => std::thread::sleep(Duration::from_millis(10)),
            }
        };
        assert_eq!(status.code(), Some(0));
        let history = std::fs::read_to_string(folder.at("history")).expect("remembered");
        assert!(
            history.contains("softplus(x)") && history.contains("repeat 2000000000"),
            "{history}"
        );
        // The next session remembers.
        let mut prompt = Prompt::new(&folder);
        prompt.until("\ndlm>");
        prompt.press("\x1b[A");
        prompt.until("dlm> f([x])");
    }

    #[test]
    fn what_is_typed_ahead_is_answered_once() {
        let folder = Folder::new("repl-ahead");
        let mut prompt = Prompt::new(&folder);
        prompt.until("\ndlm>");
        // Several lines that come at once, one of them unfinished.
        prompt.press("1 + 2\rsum([3.0,\r4])\r5 + 6\r");
        prompt.until("5 + 6\n11\ndlm>");
        let screen = prompt.screen();
        assert!(screen.contains("dlm> 1 + 2\n3\ndlm> sum([3.0,"), "{screen}");
        assert!(screen.contains("4])\n7\ndlm> 5 + 6\n11\n"), "{screen}");
        // Lines that come while something runs.
        prompt.press("let x = normal[400, 400]\r");
        prompt.until("400]\ndlm>");
        prompt.press("let y = x\rrepeat 400 { let y = x @ y / 30 }\r");
        prompt.when(|screen| screen.contains("/ 30 }\n"), "it runs");
        prompt.press("7 * 6\r8 * 8\r");
        prompt.until("8 * 8\n64\ndlm>");
        let screen = prompt.screen();
        assert_eq!(screen.matches("\n42\n").count(), 1, "{screen}");
        assert_eq!(screen.matches("\n64\n").count(), 1, "{screen}");
        // What has come with it does not keep Ctrl-C from stopping a run.
        prompt.press("layer l(x: [n, d]) { x |> dense(1) }\rlet f = l()\r");
        prompt.until("let f = l()\ndlm>");
        prompt.press(
            "repeat 2000000000 { minimize mse(f([[1.0]]), [[3.0]]) with sgd(0.1) }\r9 * 9\r",
        );
        prompt.when(|screen| screen.contains("steps/s"), "steps/s");
        prompt.press("\x03");
        prompt.until("stopped; the weights are as the last step left them\ndlm> 9 * 9\n81\ndlm>");
    }

    #[test]
    fn inputs_are_remembered_as_they_come() {
        use std::os::unix::fs::PermissionsExt;
        let folder = Folder::new("repl-history");
        let mut prompts = [Prompt::new(&folder), Prompt::new(&folder)];
        for prompt in &mut prompts {
            prompt.until("\ndlm>");
        }
        for (at, input) in [(0, "11 + 11"), (1, "22 + 22"), (0, "33 + 33")] {
            let prompt = &mut prompts[at];
            prompt.press(&format!("{input}\r"));
            prompt.when(
                |screen| screen.ends_with("\ndlm>") && screen.contains(input),
                input,
            );
        }
        // A session that is killed has kept its inputs, and those of the other.
        drop(prompts);
        let history = std::fs::read_to_string(folder.at("history")).expect("remembered");
        assert_eq!(history, "#V2\n11 + 11\n22 + 22\n33 + 33\n");
        let mode = std::fs::metadata(folder.at("history")).expect("a file");
        assert_eq!(mode.permissions().mode() & 0o777, 0o600);
        // The file does not grow beyond its limit.
        let lines: String = (0..2000).map(|line| format!("{line} + 1\n")).collect();
        folder.write("history", &format!("#V2\n{lines}"));
        let mut prompt = Prompt::new(&folder);
        prompt.until("\ndlm>");
        prompt.press("44 + 44\r");
        prompt.until("\n88\ndlm>");
        drop(prompt);
        let history = std::fs::read_to_string(folder.at("history")).expect("remembered");
        assert!(history.starts_with("#V2\n1 + 1\n2 + 1\n"));
        assert!(history.ends_with("\n1999 + 1\n44 + 44\n"));
    }

    #[test]
    fn inputs_that_cannot_be_remembered_are_told_once() {
        let folder = Folder::new("repl-forgetful");
        std::fs::create_dir_all(folder.at("history")).expect("a folder in its place");
        let mut prompt = Prompt::new(&folder);
        prompt.until("\ndlm>");
        prompt.press("1 + 1\r");
        prompt.until("\n2\ndlm>");
        prompt.press("2 + 2\r");
        prompt.until("\n4\ndlm>");
        let screen = prompt.screen();
        let told = screen.matches("warning: inputs cannot be remembered in");
        assert_eq!(told.count(), 1, "{screen}");
    }

    #[test]
    fn what_is_shown_keeps_to_the_columns_of_the_terminal() {
        let folder = Folder::new("repl-columns");
        for (columns, most) in [(40, 21), (300, 2)] {
            let mut prompt = Prompt::of(&folder, columns, &["repl"]);
            prompt.until("\ndlm>");
            prompt.press("let x = normal[40]\r");
            prompt.until("[40]\ndlm>");
            // No number is broken: each line of the tensor ends after one.
            for (input, before) in [("x\r", "dlm> x\n"), ("print \"x: {x}\"\r", "x}\"\n")] {
                prompt.press(input);
                prompt.when(
                    |screen| screen.contains(before) && screen.ends_with("\ndlm>"),
                    "a tensor",
                );
                let screen = prompt.screen();
                let (_, shown) = screen.rsplit_once(before).expect("the input");
                let (shown, _) = shown.split_once(']').expect("a tensor");
                let lines: Vec<&str> = shown.lines().collect();
                assert!(lines.len() <= most && lines.len() > 1, "{screen}");
                let (_, lines) = lines.split_last().expect("lines");
                assert!(lines.iter().all(|line| line.ends_with(',')), "{screen}");
            }
            prompt.press(":plot x\r");
            prompt.until("39\ndlm>");
            let screen = prompt.screen();
            let (_, plot) = screen.rsplit_once(":plot x\n").expect("the input");
            assert_eq!(plot.lines().count(), 12 + 2 + 1, "{screen}");
            prompt.press(":help\r");
            prompt.until("Ctrl-D\ndlm>");
            let wanted = match columns {
                40 => "\n  :plot EXPR\n      a vector as a curve, a matrix as a\n      picture\n",
                _ => "\n  :plot EXPR           a vector as a curve, a matrix as a picture\n",
            };
            assert!(prompt.screen().contains(wanted), "{}", prompt.screen());
        }
    }

    #[test]
    fn weights_that_stay_are_told_within_the_columns() {
        let folder = Folder::new("repl-narrow");
        let mut prompt = Prompt::of(&folder, 40, &["repl"]);
        prompt.until("\ndlm>");
        prompt.press("layer l(x: [n, d]) { x |> dense(1) }\r");
        prompt.until("}\ndlm>");
        prompt.press("let f = l()\r");
        prompt.until("l()\ndlm>");
        prompt.press("f([[1.0]]) * 0\r");
        prompt.until("units = 1]\ndlm>");
        prompt.press("layer l(x) { x |> dense(1) |> dense(1) }\r");
        prompt.until("}\ndlm>");
        prompt.press("f([[1.0]]) * 0\r");
        prompt.when(
            |screen| {
                screen.contains(
                    "f has a new definition; kept:\nf.dense_1.W, f.dense_1.b; new:\nf.dense_2.W, f.dense_2.b\n",
                )
            },
            "what is kept",
        );
    }

    #[test]
    fn results_that_go_to_a_file_hold_nothing_of_the_terminal() {
        let folder = Folder::new("repl-results");
        let script = "unset NO_COLOR; exec \"$0\" repl > results.txt";
        let arguments = ["-c", script, env!("CARGO_BIN_EXE_dlmc")];
        let mut prompt = Prompt::run(&folder, 100, "sh", &arguments);
        prompt.until("\ndlm>");
        prompt.press("[1.0, 2]\r");
        prompt.until("dlm> [1.0, 2]\ndlm>");
        prompt.press("layer f(x: [n]) { x }\r:doc f\r:plot [[0.0, 1.0]]\r");
        prompt.until(":plot [[0.0, 1.0]]\ndlm>");
        prompt.press("\x04");
        let ended = prompt.child.wait().expect("a child");
        assert_eq!(ended.code(), Some(0));
        let results = std::fs::read_to_string(folder.at("results.txt")).expect("results");
        assert!(results.starts_with("[1, 2]\nf32[2]\nlayer f"), "{results}");
        assert!(!results.contains('\x1b'), "{results:?}");
    }

    #[test]
    fn tab_knows_stages_and_settings() {
        let folder = Folder::new("repl-tab");
        let mut prompt = Prompt::new(&folder);
        prompt.until("\ndlm>");
        prompt.press(":ir kern\t");
        prompt.until("dlm> :ir kernels");
        prompt.press(" 1\r");
        prompt.when(|screen| screen.ends_with("\ndlm>"), "an answer");
        prompt.press("train f on set {\ropt\t");
        prompt.until("\noptimizer =");
    }

    #[test]
    fn a_model_from_a_file_to_its_weights() {
        let folder = Folder::new("repl-model");
        folder.write("points.csv", "a,b,y\n1,2,3\n4,5,6\n7,8,9\n");
        let mut prompt = Prompt::new(&folder);
        prompt.until("\ndlm>");
        // One empty line ends what is not finished.
        prompt.press("let w = [1.0,\r\r");
        prompt.until("`:doc E0106` tells more\ndlm>");
        // Tab completes files.
        prompt.press("let set = csv(\"poi\t");
        prompt.until("dlm> let set = csv(\"points.csv");
        prompt.press("\") |> target(\"y\")\r");
        prompt.until("target(\"y\")\ndlm>");
        // A command's name, a part of a data set.
        prompt.press(":na\t\r");
        prompt.until("set  a data set\ndlm>");
        prompt.press("reshape(set.x, [3, 1, 2])\r");
        prompt.until("[[[1, 2]],\n\n [[4, 5]],\n\n [[7, 8]]]\nf32[3, 1, 2]\ndlm>");
        prompt.press("layer line(x: [n, d]) -> [n] { x |> dense(1) |> reshape([n]) }\r");
        prompt.until("}\ndlm>");
        prompt.press("let f = line()\r");
        prompt.until("line()\ndlm>");
        // The block of a training takes its lines, and Ctrl-C stops it.
        prompt.press("train f on set {\rloss = mse\roptimizer = sgd(lr = 0.001)\r");
        prompt.press("epochs = 2000000000\r}\r");
        prompt.when(|screen| screen.contains("steps/s"), "steps/s");
        prompt.press("\x03");
        prompt.until("stopped; the weights are as the last step left them\ndlm>");
        prompt.press("mse(f(set.x), set.y) < 1\r");
        prompt.until("\ntrue\ndlm>");
        prompt.press(":save line.safetensors\r");
        prompt.until("2 tensors with 3 parameters are in line.safetensors\ndlm>");
        // A layer declared again keeps what stays as it was.
        prompt
            .press("layer line(x: [n, d]) -> [n] { x |> dense(1) |> dense(1) |> reshape([n]) }\r");
        prompt.until("}\ndlm>");
        prompt.press("f(set.x) * 0\r");
        prompt.when(
            |screen| {
                screen.contains("kept: f.dense_1.W, f.dense_1.b; new: f.dense_2.W, f.dense_2.b")
            },
            "what is kept",
        );
        prompt.until("f32[3]\ndlm>");
        prompt.press(":reset\r");
        prompt.until(":reset\ndlm>");
        prompt.press(":names\r");
        prompt.until("nothing is bound yet\ndlm>");
        prompt.press("quit\r");
        prompt.until("commands begin with a colon: `:quit`\ndlm>");
    }
}
