//! Checkpoints, driven from outside: a run that is killed, stopped or damaged at any moment ends in the same bits, or says why not.
#![cfg(feature = "cli")]

mod support;

use std::path::PathBuf;
use std::time::{Duration, Instant};
use support::{Folder, Numbers, ended, programs, wait_for};

const SLOTS: [&str; 2] = ["checkpoint.0", "checkpoint.1"];

/// Runs a program to its end without a stop; gives what it printed last and its receipt.
fn whole(folder: &Folder, program: &[&str]) -> (String, serde_json::Value) {
    let arguments = [&["run"], program, &["--receipt", "whole.json"]].concat();
    let (stdout, _) = folder.run(0, &arguments);
    let last = stdout.lines().last().expect("it prints").to_string();
    (last, folder.receipt("whole.json"))
}

/// How many kills a test is to make: a few, or as many as `DLMC_KILLS` says for all tests together.
fn kills() -> usize {
    let asked = std::env::var("DLMC_KILLS").ok();
    asked.map_or(20, |kills| kills.parse().expect("DLMC_KILLS is a number"))
}

/// What became of killed runs.
#[derive(Debug, Default)]
struct Tally {
    kills: usize,
    /// Runs that came to their end, by resuming as often as it took.
    runs: usize,
    /// Kills before there was any checkpoint.
    before_the_first: usize,
    /// Kills while a checkpoint was being written.
    while_writing: usize,
}

/// Starts a run and kills it at a random moment, again and again until it has ended by itself; then its receipt must be that of the
/// run without a stop.
fn killed(folder: &Folder, program: &[&str], numbers: &mut Numbers, tally: &mut Tally) {
    let (last, expected) = whole(folder, program);
    let every = ["2", "25", "0.01s"][numbers.below(3)];
    let start = Instant::now();
    folder.run(0, &[&["check"], program].concat());
    let compiled = start.elapsed();
    let mut span = measured(folder, program, every);
    let _ = std::fs::remove_dir_all(folder.at("kept"));
    loop {
        let threads = ["1", "2", "3"][numbers.below(3)];
        let arguments = [&["run"], program, &["--threads", threads], &kept(every)].concat();
        let start = Instant::now();
        let mut child = folder.start(&arguments);
        // One in four at any moment of the process, the others at any moment of the run.
        let begin = [Duration::ZERO, compiled, compiled, compiled][numbers.below(4)];
        let end = start + begin + span.saturating_sub(begin).mul_f64(numbers.next());
        while Instant::now() < end && child.try_wait().expect("our child").is_none() {
            std::thread::sleep(Duration::from_micros(300));
        }
        // Without effect on a child that has ended.
        child.kill().expect("our child");
        let output = child.wait_with_output().expect("our child");
        if output.status.code().is_some() {
            let (stdout, _) = ended(0, &arguments, &output);
            assert_eq!(stdout.lines().last(), Some(last.as_str()));
            assert_eq!(folder.receipt("killed.json"), expected, "{arguments:?}");
            tally.runs += 1;
            return;
        }
        let there = |file: &str| usize::from(folder.at("kept").join(file).exists());
        tally.kills += 1;
        tally.before_the_first += 1 - there(SLOTS[0]);
        tally.while_writing += there("checkpoint.partial");
        // The machine may be busier than it was at the measurement, so that no run would get far in that time.
        span = span.mul_f64(1.02);
    }
}

fn kept(every: &str) -> [&str; 7] {
    [
        "--checkpoint",
        "kept",
        "--every",
        every,
        "--resume",
        "--receipt",
        "killed.json",
    ]
}

/// How long the run takes with its checkpoints.
fn measured(folder: &Folder, program: &[&str], every: &str) -> Duration {
    let _ = std::fs::remove_dir_all(folder.at("kept"));
    let start = Instant::now();
    folder.run(0, &[&["run"], program, &kept(every)].concat());
    start.elapsed()
}

#[test]
fn a_run_killed_at_any_moment_goes_on_to_the_same_bits() {
    let folder = programs("killed");
    let mut numbers = Numbers(2024);
    let mut tally = Tally::default();
    while tally.kills < kills() {
        for program in [
            ["epochs.dlm", "epochs=120"],
            ["loops.dlm", "rounds=30"],
            ["mixed.dlm", "rounds=60"],
        ] {
            killed(&folder, &program, &mut numbers, &mut tally);
        }
    }
    println!("{tally:?}");
    assert!(tally.kills >= kills());
}

/// A folder in which the run of `epochs.dlm` was stopped by checkpoints that end in mid-epoch.
fn stopped(name: &str) -> (Folder, serde_json::Value) {
    let folder = programs(name);
    let (_, expected) = whole(&folder, &["epochs.dlm"]);
    // The last checkpoint is after step 119 of 120.
    folder.run(
        0,
        &[
            "run",
            "epochs.dlm",
            "--checkpoint",
            "kept",
            "--every",
            "7",
            "--receipt",
            "first.json",
        ],
    );
    assert_eq!(folder.receipt("first.json"), expected);
    (folder, expected)
}

const RESUME: [&str; 7] = [
    "run",
    "epochs.dlm",
    "--checkpoint",
    "kept",
    "--resume",
    "--receipt",
    "second.json",
];

/// Both files, the newer first.
fn slots(folder: &Folder) -> [PathBuf; 2] {
    let path = |slot| folder.at("kept").join(SLOTS[slot]);
    let newer = usize::from(sequence(&path(1)) > sequence(&path(0)));
    [path(newer), path(1 - newer)]
}

/// The number of a checkpoint, from its header.
fn sequence(path: &PathBuf) -> u64 {
    let bytes = std::fs::read(path).expect("it is there");
    let length = u64::from_le_bytes(bytes[28..36].try_into().expect("8 bytes"));
    let header = &bytes[36..36 + length as usize];
    let header: serde_json::Value = serde_json::from_slice(header).expect("the header is JSON");
    header["sequence"].as_u64().expect("a number")
}

fn flip(path: &PathBuf, byte: usize, bit: usize) {
    let mut bytes = std::fs::read(path).expect("it is there");
    bytes[byte] ^= 1 << bit;
    std::fs::write(path, bytes).expect("it can be written");
}

/// Goes on from files that `damage` has changed, which takes the newer and the older; gives standard error.
fn resumed(name: &str, code: i32, damage: impl Fn(&PathBuf, &PathBuf)) -> Vec<String> {
    let (folder, expected) = stopped(name);
    let [newer, older] = slots(&folder);
    let sound = [&newer, &older].map(|path| std::fs::read(path).expect("it is there"));
    let mut said = Vec::new();
    for _ in 0..8 {
        for (path, bytes) in [&newer, &older].into_iter().zip(&sound) {
            std::fs::write(path, bytes).expect("it can be written");
        }
        damage(&newer, &older);
        let _ = std::fs::remove_file(folder.at("second.json"));
        let (_, stderr) = folder.run(code, &RESUME);
        if code == 0 {
            assert_eq!(folder.receipt("second.json"), expected);
        } else {
            assert!(!folder.at("second.json").exists());
        }
        said.push(stderr);
    }
    said
}

#[test]
fn a_checkpoint_of_mid_epoch_is_gone_on_from() {
    for said in resumed("mid", 0, |_, _| {}) {
        assert!(
            said.starts_with("going on after step 119 (epoch 12/12, its step 9/10)"),
            "{said}"
        );
    }
}

/// Goes on with the newer file damaged: the older one, a checkpoint of mid-epoch too, is used with a warning.
fn older_used(name: &str, seed: u64, damage: impl Fn(&PathBuf, &mut Numbers)) {
    let numbers = std::cell::RefCell::new(Numbers(seed));
    for said in resumed(name, 0, |newer, _| damage(newer, &mut numbers.borrow_mut())) {
        assert!(said.starts_with("warning: checkpoint."), "{said}");
        assert!(said.contains("is damaged"), "{said}");
        let place = "going on after step 112 (epoch 12/12, its step 2/10)";
        assert!(said.contains(place), "{said}");
    }
}

#[test]
fn a_flipped_bit_has_the_older_checkpoint_used() {
    older_used("flipped", 11, |newer, numbers| {
        let length = std::fs::read(newer).expect("it is there").len();
        flip(newer, numbers.below(length), numbers.below(8));
    });
}

#[test]
fn a_file_cut_off_has_the_older_checkpoint_used() {
    older_used("cut", 12, |newer, numbers| {
        let bytes = std::fs::read(newer).expect("it is there");
        std::fs::write(newer, &bytes[..numbers.below(bytes.len())]).expect("it can be written");
    });
}

/// A file whose checksums are sound, with a number that would be counted on beyond what its type holds.
#[test]
fn a_number_that_no_run_reaches_has_the_older_checkpoint_used() {
    older_used("numbers", 13, |newer, numbers| {
        let bytes = std::fs::read(newer).expect("it is there");
        let length = u64::from_le_bytes(bytes[28..36].try_into().expect("8 bytes"));
        let (header, rest) = bytes[36..].split_at(length as usize);
        let mut header: serde_json::Value = serde_json::from_slice(header).expect("JSON");
        match ["sequence", "total", "epoch", "epochs", "step"][numbers.below(5)] {
            "sequence" => header["sequence"] = u64::MAX.into(),
            name => header["place"][name] = u64::MAX.into(),
        }
        let header = header.to_string().into_bytes();
        let content = [
            &(header.len() as u64).to_le_bytes(),
            header.as_slice(),
            rest,
        ]
        .concat();
        let mut forged = bytes[..12].to_vec();
        forged.extend((content.len() as u64).to_le_bytes());
        forged.extend(crc32fast::hash(&content).to_le_bytes());
        forged.extend(crc32fast::hash(&forged).to_le_bytes());
        forged.extend(content);
        std::fs::write(newer, forged).expect("it can be written");
    });
}

#[test]
fn two_damaged_files_end_the_run_with_an_error() {
    let said = resumed("both", 1, |newer, older| {
        flip(newer, 40, 0);
        std::fs::write(older, "").expect("it can be written");
    });
    for said in said {
        assert_eq!(said.matches("error: checkpoint.").count(), 2, "{said}");
        assert!(said.contains("no sound checkpoint is left"), "{said}");
    }
}

#[test]
fn a_newer_version_of_the_format_is_refused() {
    let said = resumed("newer", 1, |newer, _| {
        let mut bytes = std::fs::read(newer).expect("it is there");
        bytes[8..12].copy_from_slice(&9u32.to_le_bytes());
        let sum = crc32fast::hash(&bytes[..24]);
        bytes[24..28].copy_from_slice(&sum.to_le_bytes());
        std::fs::write(newer, bytes).expect("it can be written");
    });
    for said in said {
        assert!(said.contains("by a newer dlmc, in version 9"), "{said}");
    }
}

#[test]
fn a_checkpoint_of_something_else_is_refused_with_the_reason() {
    let (folder, _) = stopped("foreign");
    let refused = |arguments: &[&str], reason: &str| {
        let tail = ["--checkpoint", "kept", "--resume"];
        let (stdout, stderr) = folder.run(1, &[&["run"], arguments, &tail].concat());
        assert_eq!(stdout, "");
        assert!(
            stderr.contains("belongs to another program or run"),
            "{stderr}"
        );
        assert!(stderr.contains(reason), "{reason}\n{stderr}");
    };
    refused(
        &["epochs.dlm", "hidden=5"],
        "no `hidden=`, this run with `hidden=5`",
    );
    refused(
        &["epochs.dlm", "hidden=5"],
        "`net.dense_1.W` is f32[3, 6] in it and f32[3, 5] in this run",
    );
    refused(&["epochs.dlm", "epochs=13"], "this run with `epochs=13`");
    refused(
        &["epochs.dlm", "--seed", "4"],
        "with the seed 0, this run with 4",
    );
    refused(
        &["epochs.dlm", "--skip", "cse"],
        "other passes are left out",
    );
    refused(
        &["loops.dlm"],
        "it is of the program \"epochs.dlm\", this is \"loops.dlm\"",
    );
    folder.write("points.csv", &support::points().replace("k1", "k2"));
    refused(&["epochs.dlm"], "\"points.csv\" has changed");
    folder.write("points.csv", &support::points());
    folder.write("parts.dlm", &support::PARTS.replace("0.2", "0.3"));
    refused(&["epochs.dlm"], "\"parts.dlm\" has changed");
    folder.write("parts.dlm", support::PARTS);
    folder.write("epochs.dlm", &support::EPOCHS.replace("0.02", "0.03"));
    refused(&["epochs.dlm"], "the program \"epochs.dlm\" has changed");
    // As it was, and named in another way.
    folder.write("epochs.dlm", support::EPOCHS);
    folder.run(
        0,
        &["run", "./epochs.dlm", "--checkpoint", "kept", "--resume"],
    );
}

#[test]
fn a_receipt_cannot_begin_in_the_middle() {
    let folder = programs("middle");
    folder.run(0, &["run", "epochs.dlm", "--checkpoint", "kept"]);
    let (_, stderr) = folder.run(1, &RESUME);
    assert!(stderr.contains("started without --receipt"), "{stderr}");
}

#[test]
fn checkpoints_are_resumed_from_where_asked_and_replaced_where_not() {
    let folder = programs("replaced");
    let (_, stderr) = folder.run(
        0,
        &["run", "epochs.dlm", "--checkpoint", "kept", "--resume"],
    );
    assert_eq!(
        stderr,
        "\"kept\" holds no checkpoint yet: the run begins at its start\n"
    );
    let (_, stderr) = folder.run(0, &["run", "epochs.dlm", "--checkpoint", "kept"]);
    assert!(
        stderr.starts_with("warning: the checkpoints in \"kept\" (after step 120 (epoch 12/12"),
        "{stderr}"
    );
    // A program that is not the same replaces them as well.
    let (_, stderr) = folder.run(
        0,
        &["run", "loops.dlm", "--checkpoint", "kept", "--every", "1"],
    );
    assert!(
        stderr.starts_with("warning: the checkpoints in \"kept\""),
        "{stderr}"
    );
    let (_, stderr) = folder.run(0, &["run", "loops.dlm", "--checkpoint", "kept", "--resume"]);
    assert!(stderr.starts_with("going on after step 164,"), "{stderr}");
}

#[test]
fn a_program_that_writes_over_its_own_weights_goes_on() {
    let folder = programs("own");
    let program = support::LOOPS.replace("for round", "load g from \"g.safetensors\"\nfor round")
        + "save g to \"g.safetensors\"\n";
    folder.write("own.dlm", &program);
    folder.write(
        "first.dlm",
        &(support::LOOPS.to_string() + "save g to \"g.safetensors\"\n"),
    );
    folder.run(0, &["run", "first.dlm"]);
    let checkpoint = ["--checkpoint", "kept", "--every", "10", "--receipt"];
    let (first, _) = folder.run(
        0,
        &[&["run", "own.dlm"], &checkpoint[..], &["a.json"]].concat(),
    );
    let (again, _) = folder.run(
        0,
        &[
            &["run", "own.dlm", "--resume"],
            &checkpoint[..],
            &["b.json"],
        ]
        .concat(),
    );
    assert_eq!(
        again,
        first
            .lines()
            .last()
            .map(|line| format!("{line}\n"))
            .expect("it prints")
    );
    assert_eq!(folder.receipt("a.json"), folder.receipt("b.json"));
}

#[test]
fn a_wrong_interval_or_folder_is_an_error_before_training() {
    let folder = programs("wrong");
    let (_, stderr) = folder.run(2, &["run", "epochs.dlm", "--every", "5"]);
    assert!(stderr.contains("--checkpoint"), "{stderr}");
    let (_, stderr) = folder.run(
        2,
        &[
            "run",
            "epochs.dlm",
            "--checkpoint",
            "kept",
            "--every",
            "5 min",
        ],
    );
    assert!(
        stderr.contains("a number of steps, `100`, or of seconds, `5s`"),
        "{stderr}"
    );
    let (stdout, stderr) = folder.run(2, &["run", "epochs.dlm", "--checkpoint", "points.csv"]);
    assert_eq!(stdout, "");
    assert!(
        stderr.contains("\"points.csv\" is a file; --checkpoint takes a folder"),
        "{stderr}"
    );
    let (stdout, stderr) = folder.run(2, &["run", "epochs.dlm", "--checkpoint", "points.csv/kept"]);
    assert_eq!(stdout, "");
    assert!(
        stderr.contains("the folder \"points.csv/kept\" cannot be written"),
        "{stderr}"
    );
}

#[cfg(unix)]
mod unix {
    use super::{Folder, ended, programs, wait_for, whole};
    use std::process::{Child, Command, Output, Stdio};
    use std::time::{Duration, Instant};

    fn signal(child: &Child, name: &str) {
        let status = Command::new("kill")
            .args([name, &child.id().to_string()])
            .status();
        assert!(status.expect("there is a kill").success());
    }

    /// Starts a run whose checkpoints go to `kept`, and sends a signal after a moment of training.
    fn signalled(folder: &Folder, arguments: &[&str], name: &str) -> Output {
        let child = folder.start(arguments);
        wait_for(&folder.at("kept/checkpoint.1"));
        std::thread::sleep(Duration::from_millis(100));
        signal(&child, name);
        child.wait_with_output().expect("our child")
    }

    /// A folder of checkpoints may come from somebody else: what stands outside of it is not written.
    #[test]
    fn links_and_pipes_in_the_folder_are_not_followed() {
        let folder = programs("links");
        let arguments = ["run", "epochs.dlm", "--checkpoint", "kept", "--resume"];
        std::fs::create_dir_all(folder.at("kept")).expect("a folder");
        folder.write("precious", "mine");
        let link = |name: &str| {
            let at = folder.at("kept").join(name);
            std::os::unix::fs::symlink("../precious", at).expect("a link");
        };
        link("checkpoint.partial");
        folder.run(0, &arguments);
        let precious = || std::fs::read_to_string(folder.at("precious")).expect("it is there");
        assert_eq!(precious(), "mine");
        std::fs::remove_file(folder.at("kept/lock")).expect("a lock");
        link("lock");
        let (_, stderr) = folder.run(2, &arguments);
        assert!(
            stderr.contains("lock\" is no ordinary file\nhelp: "),
            "{stderr}"
        );
        assert_eq!(precious(), "mine");
        std::fs::remove_file(folder.at("kept/lock")).expect("a link");
        for name in ["kept/lock", "kept/checkpoint.partial"] {
            let _ = std::fs::remove_file(folder.at(name));
            let made = Command::new("mkfifo").arg(folder.at(name)).status();
            assert!(made.expect("it starts").success());
            let code = if name.ends_with("lock") { 2 } else { 0 };
            folder.run(code, &arguments);
            let _ = std::fs::remove_file(folder.at(name));
        }
    }

    #[test]
    fn an_interrupt_keeps_the_run_and_ends_with_130() {
        let folder = programs("interrupt");
        let (last, expected) = whole(&folder, &["epochs.dlm", "epochs=80"]);
        // So many writings to the disk that the run takes far longer than the signal.
        let arguments = [
            "run",
            "epochs.dlm",
            "epochs=80",
            "--checkpoint",
            "kept",
            "--every",
            "1",
            "--receipt",
            "out put.json",
        ];
        let output = signalled(&folder, &arguments, "-INT");
        let (_, stderr) = ended(130, &arguments, &output);
        assert!(stderr.starts_with("stopped after step "), "{stderr}");
        let command = "run epochs.dlm epochs=80 --checkpoint kept --every 1 --receipt 'out put.json' --resume\n";
        assert!(
            stderr.contains("\nto go on: ") && stderr.ends_with(command),
            "{stderr}"
        );
        let (stdout, resumed) = folder.run(0, &[&arguments[..], &["--resume"]].concat());
        assert_eq!(stdout.lines().last(), Some(last.as_str()));
        let place = |text: &str| {
            text.split_once("after ")
                .map(|(_, rest)| rest.split([',', '\n']).next().map(String::from))
        };
        assert_eq!(place(&stderr), place(&resumed), "{stderr}{resumed}");
        assert_eq!(folder.receipt("out put.json"), expected);
    }

    #[test]
    fn a_request_to_end_ends_with_143() {
        let folder = programs("request");
        let arguments = [
            "run",
            "epochs.dlm",
            "epochs=1000",
            "--checkpoint",
            "kept",
            "--every",
            "1",
        ];
        let output = signalled(&folder, &arguments, "-TERM");
        let (_, stderr) = ended(143, &arguments, &output);
        assert!(stderr.contains("\nto go on: "), "{stderr}");
    }

    /// One step that takes long.
    const LONG: &str =
        "let a = uniform[200000]\nlet y[i] = sum[j] exp(a[i] * a[j])\nprint mean(y)\n";

    #[test]
    fn a_second_interrupt_ends_the_run_at_once() {
        let folder = programs("second");
        folder.write("long.dlm", LONG);
        let arguments = ["run", "long.dlm", "--threads", "1", "--checkpoint", "kept"];
        let mut child = folder.start(&arguments);
        wait_for(&folder.at("kept/checkpoint.0"));
        std::thread::sleep(Duration::from_millis(500));
        signal(&child, "-INT");
        std::thread::sleep(Duration::from_millis(500));
        assert!(
            child.try_wait().expect("our child").is_none(),
            "the step is finished first"
        );
        let start = Instant::now();
        signal(&child, "-INT");
        let output = child.wait_with_output().expect("our child");
        assert!(
            start.elapsed() < Duration::from_secs(2),
            "{:?}",
            start.elapsed()
        );
        assert_eq!(
            ended(130, &arguments, &output),
            (String::new(), String::new())
        );
    }

    #[test]
    fn an_interrupt_without_checkpoints_says_how_to_have_them() {
        let folder = programs("without");
        folder.write("lines.dlm", "for i in 0..1000000 {\n    print i\n}\n");
        let arguments = ["run", "lines.dlm"];
        let mut child = folder.start(&arguments);
        // Once it prints, it is running.
        let mut out = child.stdout.take().expect("piped");
        let mut first = [0; 64];
        std::io::Read::read_exact(&mut out, &mut first).expect("it prints");
        signal(&child, "-INT");
        std::io::copy(&mut out, &mut std::io::sink()).expect("it ends");
        let output = child.wait_with_output().expect("our child");
        let (_, stderr) = ended(130, &arguments, &output);
        assert!(
            stderr.contains("nothing is kept of it: with --checkpoint DIR"),
            "{stderr}"
        );
    }

    /// Runs with a limit on the size of files, which is what a full disk is like.
    fn limited(folder: &Folder, blocks: usize, arguments: &[&str]) -> Output {
        let script = format!("trap '' XFSZ; ulimit -f {blocks}; exec \"$@\"");
        let mut command = Command::new("sh");
        command
            .args(["-c", &script, "sh", env!("CARGO_BIN_EXE_dlmc")])
            .args(arguments);
        command.current_dir(folder.at("")).stdin(Stdio::null());
        command.output().expect("there is a shell")
    }

    #[test]
    fn a_full_disk_is_an_error_before_training() {
        let folder = programs("full");
        let arguments = ["run", "epochs.dlm", "--checkpoint", "kept"];
        let output = limited(&folder, 1, &arguments);
        let (stdout, stderr) = ended(2, &arguments, &output);
        assert_eq!(stdout, "");
        assert!(
            stderr.starts_with("error: no checkpoint can be written to \"kept\": "),
            "{stderr}"
        );
        let left = std::fs::read_dir(folder.at("kept"))
            .expect("it was made")
            .flatten();
        let left: Vec<_> = left.map(|entry| entry.file_name()).collect();
        assert_eq!(left, ["lock"]);
    }

    #[test]
    fn a_disk_that_gets_full_later_is_a_warning() {
        let folder = programs("later");
        // With a receipt checkpoints grow by 9 bytes a step.
        let arguments = [
            "run",
            "loops.dlm",
            "rounds=100",
            "--checkpoint",
            "kept",
            "--every",
            "500",
            "--receipt",
            "r.json",
        ];
        let output = limited(&folder, 24, &arguments);
        let text = String::from_utf8_lossy(&output.stderr);
        assert!(
            text.contains("warning: no checkpoint can be written to \"kept\": "),
            "{text}"
        );
        // The receipt is larger still.
        assert!(
            text.contains("error: the receipt \"r.json\" cannot be written: "),
            "{text}"
        );
        assert_eq!(output.status.code(), Some(2), "{text}");
        let output = String::from_utf8_lossy(&output.stdout).lines().count();
        assert_eq!(output, 100);
        let (_, stderr) = folder.run(
            0,
            &[
                "run",
                "loops.dlm",
                "rounds=100",
                "--checkpoint",
                "kept",
                "--resume",
            ],
        );
        assert!(stderr.starts_with("going on after step "), "{stderr}");
    }

    /// A disk of so many blocks of 4096 bytes as the folder `disk`, for one script alone; nothing where the system lets nobody have one.
    fn on_a_small_disk(folder: &Folder, blocks: u64, script: &str) -> Option<Output> {
        std::fs::create_dir_all(folder.at("disk")).expect("a folder");
        let mount = format!("mount -t tmpfs -o size={} none disk", 4096 * blocks);
        let within = |script: &str| {
            let mut command = Command::new("unshare");
            command.args([
                "--user",
                "--map-root-user",
                "--mount",
                "sh",
                "-c",
                script,
                "sh",
            ]);
            command.arg(env!("CARGO_BIN_EXE_dlmc"));
            command
                .current_dir(folder.at(""))
                .stdin(Stdio::null())
                .output()
        };
        if !within(&mount).is_ok_and(|output| output.status.success()) {
            eprintln!("no disk of one's own: only the limit on the size of files is tried");
            return None;
        }
        Some(within(&format!("{mount} || exit 9\n{script}")).expect("it ran just now"))
    }

    #[test]
    fn a_small_disk_that_is_full_loses_nothing() {
        let folder = programs("disk");
        let run = ["run", "loops.dlm", "rounds=20"];
        let (whole, _) = folder.run(0, &run);
        folder.run(
            0,
            &[&run[..], &["--checkpoint", "kept", "--every", "100"]].concat(),
        );
        let size = std::fs::metadata(folder.at("kept/checkpoint.0")).expect("it is there");
        // Room for the two slots and not for the file that takes the place of one.
        let blocks = 2 * size.len().div_ceil(4096);
        let script = "
            \"$1\" run loops.dlm rounds=20 --checkpoint disk/kept --every 100 > first 2> warned || exit 1
            cp disk/kept/checkpoint.* . || exit 2
            \"$1\" run loops.dlm rounds=20 --checkpoint disk/kept --resume > second 2> resumed
            test $? -eq 2 || exit 3
            cmp checkpoint.0 disk/kept/checkpoint.0 && cmp checkpoint.1 disk/kept/checkpoint.1 || exit 4
            rm disk/kept/checkpoint.0
            \"$1\" run loops.dlm rounds=20 --checkpoint disk/kept --resume > third 2>> resumed || exit 5
        ";
        let Some(output) = on_a_small_disk(&folder, blocks, script) else {
            return;
        };
        let read = |name: &str| std::fs::read_to_string(folder.at(name)).expect("it was written");
        let errors = String::from_utf8_lossy(&output.stderr);
        assert_eq!(
            output.status.code(),
            Some(0),
            "{errors}{}{}",
            read("warned"),
            read("resumed")
        );
        assert!(
            read("warned").contains("warning: no checkpoint can be written to"),
            "{}",
            read("warned")
        );
        assert_eq!(read("first"), whole);
        // Without room a run does not begin, and with room it goes on from the last that was written.
        assert_eq!(read("second"), "");
        assert!(
            read("resumed").contains("the folder must have room"),
            "{}",
            read("resumed")
        );
        let rest = read("third");
        assert!(
            !rest.is_empty() && rest.len() < whole.len() && whole.ends_with(&rest),
            "{rest}"
        );
    }

    #[test]
    fn weights_on_a_full_disk_stay_as_they_were() {
        let folder = programs("weights");
        folder.write(
            "save.dlm",
            "let net = dense(3)\nprint net([1, 2])\nsave net to \"disk/net.safetensors\"\n",
        );
        let script = "
            \"$1\" run save.dlm > first || exit 1
            cp disk/net.safetensors before || exit 2
            \"$1\" run save.dlm --seed 2 > second 2> refused
            test $? -eq 2 || exit 3
            cmp before disk/net.safetensors || exit 4
            test \"$(ls disk)\" = net.safetensors || exit 5
        ";
        let Some(output) = on_a_small_disk(&folder, 1, script) else {
            return;
        };
        let read = |name: &str| std::fs::read_to_string(folder.at(name)).expect("it was written");
        let errors = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(0), "{errors}{}", read("refused"));
        assert_ne!(read("first"), read("second"));
        assert!(
            read("refused").contains("net.safetensors"),
            "{}",
            read("refused")
        );
    }

    #[test]
    fn two_runs_do_not_share_a_folder() {
        let folder = programs("shared");
        let arguments = [
            "run",
            "epochs.dlm",
            "epochs=1000",
            "--checkpoint",
            "kept",
            "--every",
            "1",
        ];
        let child = folder.start(&arguments);
        wait_for(&folder.at("kept/checkpoint.0"));
        let (_, stderr) = folder.run(2, &["run", "epochs.dlm", "--checkpoint", "kept"]);
        assert!(
            stderr.contains("another run writes its checkpoints to \"kept\""),
            "{stderr}"
        );
        signal(&child, "-INT");
        ended(
            130,
            &arguments,
            &child.wait_with_output().expect("our child"),
        );
    }
}
