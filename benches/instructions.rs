//! Instructions of a training step and of compiling it, counted by valgrind: other load and the clock do not move them, so a change of a
//! thousandth is a change.
//!
//! `cargo bench --bench instructions [-- NAME]` counts the programs of `benches/programs` on one thread with 256-bit vectors and prints the
//! counts beside those of `benches/instructions.txt`. A step that takes a hundredth more than there makes it fail, as does compiling that
//! takes a twentieth more; `DLMC_BLESS=1` writes the file anew. The counts depend on the version of the Rust compiler too.
use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

/// Steps of the shorter and the longer run, whose difference counts the steps between.
const STEPS: [u64; 2] = [4, 68];

/// What a step and compiling may grow by before it is an error, in thousandths.
const ROOM: [u64; 2] = [10, 50];

/// Instructions of a step, and of everything before the first one.
type Counts = [u64; 2];

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("benches")
}

/// Instructions of a whole run.
fn instructions(program: &Path, steps: u64) -> Result<u64, String> {
    let output = Command::new("valgrind")
        .args(["--tool=cachegrind", "--cache-sim=no"])
        .arg("--cachegrind-out-file=/dev/null")
        .args([env!("CARGO_BIN_EXE_dlmc"), "run"])
        .arg(program)
        .args(["--threads", "1", "--cpu", "avx2"])
        .arg(format!("steps={steps}"))
        .output()
        .map_err(|error| format!("valgrind cannot be run: {error}"))?;
    let said = String::from_utf8_lossy(&output.stderr);
    let count = said
        .lines()
        .find_map(|line| line.split_once("refs:"))
        .filter(|_| output.status.success())
        .and_then(|(_, count)| count.trim().replace(',', "").parse().ok());
    count.ok_or_else(|| format!("{}: no count:\n{said}", program.display()))
}

fn counts(program: &Path) -> Result<Counts, String> {
    let [few, many] = STEPS;
    let (short, long) = (instructions(program, few)?, instructions(program, many)?);
    let step = long.saturating_sub(short) / (many - few);
    Ok([step, short.saturating_sub(few * step)])
}

/// The counts of a file: a name, a step, compiling.
fn known(text: &str) -> BTreeMap<String, Counts> {
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    let entry = |line: &str| {
        let mut words = line.split_whitespace();
        let name = words.next()?.to_string();
        Some((
            name,
            [words.next()?.parse().ok()?, words.next()?.parse().ok()?],
        ))
    };
    lines.filter_map(entry).collect()
}

/// The programs whose name holds one of the filters, by name.
fn programs(filters: &[String]) -> Result<Vec<(String, PathBuf)>, String> {
    let entries =
        std::fs::read_dir(folder().join("programs")).map_err(|error| error.to_string())?;
    let mut found: Vec<(String, PathBuf)> = entries
        .filter_map(|entry| {
            let path = entry.ok()?.path();
            let name = path.file_stem()?.to_str()?.to_string();
            let wanted = filters.is_empty() || filters.iter().any(|word| name.contains(word));
            wanted.then_some((name, path))
        })
        .collect();
    found.sort();
    Ok(found)
}

/// Counts the programs; whether none takes more than it may.
fn compare(filters: &[String]) -> Result<bool, String> {
    let file = folder().join("instructions.txt");
    let mut all = known(&std::fs::read_to_string(&file).unwrap_or_default());
    let mut fine = true;
    println!(
        "{:<14}{:>14}{:>10}{:>16}{:>10}",
        "program", "a step", "change", "compiling", "change"
    );
    for (name, path) in programs(filters)? {
        let now = counts(&path)?;
        let mut line = format!("{name:<14}");
        for (part, width) in [(0, 14), (1, 16)] {
            let before = all.get(&name).map(|counts| counts[part]);
            let change = before.map_or("new".into(), |before| {
                format!(
                    "{:+.2} %",
                    100.0 * (now[part] as f64 / before.max(1) as f64 - 1.0)
                )
            });
            fine &= before.is_none_or(|before| now[part] * 1000 <= before * (1000 + ROOM[part]));
            let _ = write!(line, "{:>width$}{change:>10}", now[part]);
        }
        println!("{line}");
        all.insert(name, now);
    }
    if std::env::var_os("DLMC_BLESS").is_some() {
        let mut text =
            String::from("# Program, instructions of a step, of compiling: see instructions.rs.\n");
        for (name, [step, compiling]) in &all {
            let _ = writeln!(text, "{name} {step} {compiling}");
        }
        std::fs::write(&file, text).map_err(|error| error.to_string())?;
        return Ok(true);
    }
    Ok(fine)
}

fn main() -> ExitCode {
    let words = std::env::args().skip(1);
    let filters: Vec<String> = words.filter(|word| !word.starts_with("--")).collect();
    match compare(&filters) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => {
            eprintln!(
                "more instructions than benches/instructions.txt allows; `DLMC_BLESS=1` writes it anew"
            );
            ExitCode::FAILURE
        }
        Err(why) => {
            eprintln!("{why}");
            ExitCode::FAILURE
        }
    }
}
