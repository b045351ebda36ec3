//! `dlmc new`: each project trains at once and well, its rows can be predicted, and nothing that exists is written over.
#![cfg(feature = "cli")]

mod support;

use std::process::Stdio;
use support::{Folder, ended};

/// The last number of the line that begins with `words`.
fn number_after(words: &str, text: &str) -> f64 {
    let line = text.lines().find(|line| line.starts_with(words));
    let number = line.and_then(|line| line.rsplit(' ').next());
    let number = number.and_then(|number| number.parse().ok());
    number.unwrap_or_else(|| panic!("no number after {words:?} in\n{text}"))
}

/// Makes the project `made` and trains its program.
fn trained(template: &str, settings: &[&str]) -> (Folder, String) {
    let folder = Folder::new(&format!("new-{template}"));
    let (out, err) = folder.run(0, &["new", "made", "--template", template]);
    assert_eq!(err, "");
    assert!(out.starts_with("made: model.dlm, data."), "{out}");
    assert!(
        out.ends_with("next: cd made && dlmc run model.dlm\n"),
        "{out}"
    );
    for file in ["made/README.md", "made/.gitignore", "made/model.dlm"] {
        assert!(folder.at(file).is_file(), "{file}");
    }
    let (_, err) = folder.run(0, &["fmt", "--check", "made/model.dlm"]);
    assert_eq!(err, "", "the program is written as the formatter writes");
    let run = [&["run", "made/model.dlm"], settings].concat();
    let (out, err) = folder.run(0, &run);
    assert_eq!(err, "", "{template} runs without a warning");
    assert!(folder.at("made/model.safetensors").is_file());
    (folder, out)
}

/// Predicts the rows of the project's own data; gives the lines below the header.
fn predicted(folder: &Folder) -> Vec<String> {
    let (out, err) = folder.run(
        0,
        &[
            "predict",
            "made/model.dlm",
            "--weights",
            "made/model.safetensors",
            "--input",
            "made/data.csv",
        ],
    );
    assert_eq!(err, "");
    out.lines().skip(1).map(str::to_string).collect()
}

/// The last cells of the project's data.
fn targets(folder: &Folder) -> Vec<String> {
    let text = std::fs::read_to_string(folder.at("made/data.csv")).expect("the data are there");
    let cells = text
        .lines()
        .skip(1)
        .filter_map(|line| line.rsplit(',').next());
    cells.map(str::to_string).collect()
}

/// How many of the predicted classes are those of the data.
fn share_of_right_classes(folder: &Folder) -> f64 {
    let (lines, targets) = (predicted(folder), targets(folder));
    assert_eq!(lines.len(), targets.len());
    let both = lines.iter().zip(&targets);
    let right = both.filter(|(line, target)| line.split_whitespace().nth(1) == Some(target));
    right.count() as f64 / lines.len() as f64
}

#[test]
fn the_regression_learns_and_its_rows_are_predicted() {
    let (folder, out) = trained("regression", &[]);
    let r2 = number_after("explained on the test part (r2):", &out);
    assert!(r2 > 0.97, "{out}");
    let (lines, targets) = (predicted(&folder), targets(&folder));
    assert_eq!(lines.len(), 300);
    let number = |text: Option<&str>| -> f64 { text.expect("a cell").parse().expect("a number") };
    let errors = lines.iter().zip(&targets).map(|(line, target)| {
        (number(line.split_whitespace().nth(1)) - number(Some(target.as_str()))).abs()
    });
    // Rents have a deviation of about 400, their noise one of 25.
    let mean = errors.sum::<f64>() / 300.0;
    assert!(mean < 40.0, "{mean}");
}

/// The classes are learned, and predicted from the project's own rows.
fn classes_are_learned(template: &str) {
    let (folder, out) = trained(template, &[]);
    let accuracy = number_after("accuracy on the test part:", &out);
    assert!(accuracy > 0.95, "{out}");
    let share = share_of_right_classes(&folder);
    assert!(share > 0.95, "{share}");
}

#[test]
fn the_classifier_learns_and_its_rows_are_predicted() {
    classes_are_learned("classifier");
}

#[test]
fn the_images_are_learned_and_predicted() {
    classes_are_learned("images");
}

#[test]
fn the_sequences_are_learned_and_predicted() {
    let (folder, out) = trained("sequence", &[]);
    let accuracy = number_after("accuracy on the test part:", &out);
    assert!(accuracy > 0.9, "{out}");
    // Each series has the class of its rows; the last cell of a row is the class, the first the series.
    let text = std::fs::read_to_string(folder.at("made/data.csv")).expect("the data are there");
    let mut classes: Vec<(&str, &str)> = text
        .lines()
        .skip(1)
        .map(|line| {
            (
                line.split(',').next().unwrap_or(""),
                line.rsplit(',').next().unwrap_or(""),
            )
        })
        .collect();
    classes.dedup();
    let lines = predicted(&folder);
    assert_eq!(lines.len(), classes.len());
    let right = lines
        .iter()
        .zip(&classes)
        .filter(|(line, (series, class))| {
            let cells: Vec<&str> = line.split_whitespace().collect();
            assert_eq!(cells.first(), Some(series), "{line}");
            cells.get(1) == Some(class)
        });
    assert!(
        right.count() as f64 > 0.9 * classes.len() as f64,
        "{lines:#?}"
    );
}

#[test]
fn the_text_is_learned_and_written_on() {
    let (_folder, out) = trained("text", &["hidden=24"]);
    assert!(out.trim_end().chars().count() > 100, "{out}");
    let letters = out.chars().filter(|c| c.is_ascii_lowercase());
    assert!(letters.count() > 80, "{out}");
    // The words of the grammar come out whole.
    let known = ["the", "a", "my", "at", "in", "near", "every", "sees"];
    let words = out.split_whitespace().filter(|word| known.contains(word));
    assert!(words.count() >= 4, "{out}");
}

#[test]
fn each_readme_gives_commands_that_exist() {
    let folder = Folder::new("new-readme");
    let (help, _) = folder.run(0, &["--help"]);
    for template in ["regression", "classifier", "images", "sequence", "text"] {
        folder.run(0, &["new", template, "--template", template]);
        let path = folder.at(&format!("{template}/README.md"));
        let text = std::fs::read_to_string(path).expect("written");
        let commands = text.lines().filter_map(|line| line.strip_prefix("dlmc "));
        let names: Vec<&str> = commands.filter_map(|c| c.split(' ').next()).collect();
        assert_eq!(names.len(), 4, "{text}");
        for name in names {
            assert!(help.contains(&format!("\n  {name} ")), "{name}");
        }
    }
}

#[test]
fn the_same_project_is_made_each_time() {
    let folder = Folder::new("new-same");
    for name in ["one", "two"] {
        folder.run(0, &["new", name, "--template", "classifier"]);
    }
    for file in ["model.dlm", "data.csv", "README.md", ".gitignore"] {
        let read = |name: &str| std::fs::read(folder.at(&format!("{name}/{file}"))).expect(file);
        assert_eq!(read("one"), read("two"), "{file}");
    }
}

#[test]
fn nothing_is_written_over() {
    let folder = Folder::new("new-exists");
    std::fs::create_dir(folder.at("full")).expect("made");
    folder.write("full/notes.txt", "mine");
    folder.write("file", "mine too");
    for (dir, words) in [
        (
            "full",
            "error: \"full\" exists and is not empty; nothing is written over\nhelp: ",
        ),
        (
            "file",
            "error: \"file\" is a file, or lies below one\nhelp: ",
        ),
        (
            "file/below",
            "error: \"file/below\" is a file, or lies below one\nhelp: ",
        ),
        (
            "none/below",
            "error: \"none/below\" cannot be made: the folder that it is to stand in does not exist\n",
        ),
    ] {
        let (out, err) = folder.run(2, &["new", dir]);
        assert_eq!(out, "");
        assert!(err.starts_with(words), "{err}");
    }
    let text = std::fs::read_to_string(folder.at("full/notes.txt")).expect("still there");
    assert_eq!(text, "mine");
    let names = |path: &str| -> Vec<String> {
        let entries = std::fs::read_dir(folder.at(path)).expect("a folder");
        let names = entries.map(|e| e.expect("an entry").file_name());
        let mut names: Vec<String> = names.map(|n| n.to_string_lossy().into_owned()).collect();
        names.sort();
        names
    };
    assert_eq!(names("full"), ["notes.txt"]);
    // No folder of a try stays behind.
    assert_eq!(names("."), ["file", "full"]);
}

#[test]
fn an_empty_folder_is_filled() {
    let folder = Folder::new("new-empty");
    std::fs::create_dir(folder.at("here")).expect("made");
    let mut command = folder.command(&["new", "."]);
    let output = command.current_dir(folder.at("here")).output();
    ended(0, &["new", "."], &output.expect("the command runs"));
    assert!(folder.at("here/model.dlm").is_file());
    assert!(folder.at("here/data.csv").is_file());
    let (_, err) = folder.run(2, &["new", "here"]);
    assert!(err.contains("is not empty"), "{err}");
}

#[test]
fn a_wrong_template_lists_the_right_ones() {
    let folder = Folder::new("new-template");
    let (_, err) = folder.run(2, &["new", "made", "--template", "forest"]);
    for name in ["regression", "classifier", "images", "sequence", "text"] {
        assert!(err.contains(name), "{err}");
    }
    assert!(!folder.at("made").exists());
}

#[test]
fn a_reader_that_goes_away_is_no_error() {
    let folder = Folder::new("new-closed");
    let mut command = folder.command(&["new", "made"]);
    let mut child = command.stdout(Stdio::piped()).spawn().expect("it starts");
    drop(child.stdout.take());
    let output = child.wait_with_output().expect("it ends");
    let (_, err) = ended(0, &["new"], &output);
    assert_eq!(err, "");
    assert!(folder.at("made/model.dlm").is_file());
}
