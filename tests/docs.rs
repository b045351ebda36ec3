//! What the documents show is what happens.
//!
//! Each fence says what its block is:
//!
//! - `dlm`: a program that runs; `dlm NAME.dlm` stays in the document's folder under that name for the blocks after it;
//! - `dlm wrong`: a program that is refused;
//! - `sh run`: lines that call dlmc, in the document's folder; of other `sh` blocks, and of code in the text, the subcommands and options must exist;
//! - `sh wrong`: the same of lines that fail;
//! - `text FILE`: a file in the document's folder;
//! - `prompt`: what is typed behind `dlm>`, and what `dlmc repl` says to it;
//! - `output`: what the block before it gives (of a wrong program, the message), with `...` for what is left out;
//! - `rust PATH`: an excerpt of that file; a `rust` block alone is compiled as documentation of the library (`src/lib.rs` names the document);
//! - `python` and `lua` run where those languages are, `toml` is held against what it configures (`tests/docs/foreign.rs`);
//! - `text` alone is no code: a formula, a line of a screen.
//!
//! A document's folder holds the tables of `examples/data`, once beside the programs and once in `data`. `DLMC_BLESS=1` writes the outputs anew. The
//! examples of `docs/errors.md` are run by `tests/error_texts.rs`.
#![cfg(feature = "cli")]

#[path = "docs/blocks.rs"]
mod blocks;
#[path = "docs/commands.rs"]
mod commands;
#[path = "docs/foreign.rs"]
mod foreign;
#[path = "docs/links.rs"]
mod links;
mod support;

use blocks::{Block, Piece, agrees, pieces, written};
use commands::{Came, call, dlmc, repl, wrong_call};
use std::path::{Path, PathBuf};
use support::Folder;

/// Documents whose `rust` blocks are compiled as documentation.
const COMPILED: &[&str] = &["docs/embedding.md"];

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// A document while its blocks are run.
struct Reader {
    name: String,
    folder: Folder,
    /// What the block before gave: its output or its message.
    came: Option<String>,
    wrong: Vec<String>,
    run: usize,
}

impl Reader {
    fn new(name: &str) -> Reader {
        let plain = name.replace(['/', '.'], "-");
        let folder = Folder::new(&format!("docs-{plain}"));
        let tables = std::fs::read_dir(root().join("examples/data")).expect("the data");
        std::fs::create_dir_all(folder.at("data")).expect("a folder");
        for table in tables.map(|entry| entry.expect("readable").path()) {
            let file = table.file_name().expect("a name").to_string_lossy();
            if file.ends_with(".csv") || file.ends_with(".parquet") {
                for to in [folder.at(&file), folder.at("data").join(&*file)] {
                    std::fs::copy(&table, to).expect("copied");
                }
            }
        }
        Reader {
            name: name.to_string(),
            folder,
            came: None,
            wrong: Vec::new(),
            run: 0,
        }
    }

    fn fault(&mut self, line: usize, what: &str) {
        self.wrong.push(format!("{}:{line}: {what}", self.name));
    }

    /// Runs or checks a block; in `output` blocks of a document that is written anew, the text is replaced.
    fn block(&mut self, block: &mut Block) {
        let before = self.came.take();
        let mark = block.mark().to_string();
        match (block.kind(), mark.as_str()) {
            ("dlm", "wrong") => self.program(block, "wrong.dlm", false),
            ("dlm", "") => self.program(block, "program.dlm", true),
            ("dlm", file) => self.program(block, file, true),
            ("sh", "run") => self.commands(block, true),
            ("sh", "wrong") => self.commands(block, false),
            ("sh", "") => self.shown_commands(block),
            ("prompt", "") => self.prompt(block),
            ("text", file) if !file.is_empty() => self.folder.write(file, &block.text),
            ("output", "") => self.output(block, before),
            ("rust", "") if COMPILED.contains(&self.name.as_str()) => {}
            ("rust", file) => self.excerpt(block, file),
            ("text", "") => {}
            ("python", "") => self.python(block),
            ("lua", "") => {
                let wrong = foreign::run_lua(&self.folder.at(""), &block.text).err();
                wrong
                    .into_iter()
                    .for_each(|what| self.fault(block.line, &what));
            }
            ("toml", "") => {
                let wrong = foreign::read_toml(&block.text).err();
                wrong
                    .into_iter()
                    .for_each(|what| self.fault(block.line, &what));
            }
            _ => self.fault(block.line, "a block of no known kind"),
        }
    }

    fn program(&mut self, block: &Block, file: &str, good: bool) {
        self.run += 1;
        self.folder.write(file, &block.text);
        let arguments = ["run".to_string(), file.to_string()];
        let Came {
            good: ends_well,
            output,
            errors,
        } = dlmc(&self.folder.at(""), &arguments);
        match (good, ends_well) {
            (true, false) => self.fault(block.line, &format!("the program fails:\n{errors}")),
            (false, true) => self.fault(block.line, "the wrong program runs"),
            (true, true) | (false, false) => {}
        }
        self.came = Some(if good { output } else { errors });
    }

    fn python(&mut self, block: &Block) {
        match foreign::run_python(&self.folder.at(""), &block.text) {
            Ok(printed) => self.came = printed,
            Err(why) => self.fault(block.line, &why),
        }
    }

    fn commands(&mut self, block: &Block, good: bool) {
        let mut all = String::new();
        for line in block.text.lines().filter(|line| !line.trim().is_empty()) {
            self.run += 1;
            let Some(arguments) = call(line) else {
                self.fault(block.line, &format!("`{line}` does not call dlmc"));
                continue;
            };
            let came = dlmc(&self.folder.at(""), &arguments);
            match (good, came.good) {
                (true, false) => {
                    self.fault(block.line, &format!("`{line}` fails:\n{}", came.errors));
                }
                (false, true) => self.fault(block.line, &format!("`{line}` does not fail")),
                (true, true) | (false, false) => {}
            }
            all.push_str(&came.output);
            all.push_str(&came.errors);
        }
        self.came = Some(all);
    }

    /// Gives the inputs to `dlmc repl` and compares what it says with the other lines.
    fn prompt(&mut self, block: &Block) {
        let lines = || block.text.split_inclusive('\n');
        let inputs: String = lines()
            .filter_map(|line| line.strip_prefix("dlm> "))
            .collect();
        let shown: String = lines().filter(|line| !line.starts_with("dlm> ")).collect();
        self.run += 1;
        self.folder.write("inputs.txt", &inputs);
        let came = repl(&self.folder.at(""), &self.folder.at("inputs.txt"));
        if !came.good || !agrees(&shown, &came.output) {
            let what = format!("what came is another:\n{}{}", came.output, came.errors);
            self.fault(block.line, &what);
        }
    }

    fn shown_commands(&mut self, block: &Block) {
        for line in block.text.lines() {
            if let Some(fault) = call(line).and_then(|call| wrong_call(&call)) {
                self.fault(block.line, &fault);
            }
        }
    }

    fn output(&mut self, block: &mut Block, came: Option<String>) {
        let Some(came) = came else {
            return self.fault(block.line, "no block before it gives an output");
        };
        if agrees(&block.text, &came) {
            return;
        }
        if std::env::var_os("DLMC_BLESS").is_some() {
            let lines = came.trim_end().lines().map(str::trim_end);
            block.text = lines.map(|line| format!("{line}\n")).collect();
        } else {
            self.fault(block.line, &format!("what came is another:\n{came}"));
        }
    }

    /// An excerpt stands in its file, in one piece, but for indentation.
    fn excerpt(&mut self, block: &Block, file: &str) {
        let plain = |text: &str| -> String {
            let lines = text.lines().map(str::trim);
            lines.map(|line| format!("{line}\n")).collect()
        };
        match std::fs::read_to_string(root().join(file)) {
            Ok(text) if plain(&text).contains(&plain(&block.text)) => {}
            Ok(_) => self.fault(block.line, &format!("{file} does not say this")),
            Err(error) => self.fault(block.line, &format!("{file}: {error}")),
        }
    }

    /// The links, files and commands that the text between blocks names.
    fn prose(&mut self, prose: &str) {
        let document = root().join(&self.name);
        let mut wrong = links::wrong_links(&document, prose);
        wrong.extend(links::missing_files(&root(), &document, prose));
        for word in links::code_words(prose) {
            wrong.extend(call(word).and_then(|call| wrong_call(&call)));
        }
        for what in wrong {
            self.wrong.push(format!("{}: {what}", self.name));
        }
    }
}

/// Reads one document; what is wrong with it, and how many programs and commands ran.
fn read(path: &Path) -> (Vec<String>, usize) {
    let name = path.strip_prefix(root()).expect("below the root");
    let name = name.to_string_lossy().replace('\\', "/");
    let text = std::fs::read_to_string(path).expect("the document is there");
    let mut pieces = match pieces(&text) {
        Ok(pieces) => pieces,
        Err(error) => return (vec![format!("{name}: {error}")], 0),
    };
    let elsewhere = name == "docs/errors.md";
    let mut reader = Reader::new(&name);
    for piece in &mut pieces {
        match piece {
            Piece::Prose(prose) => reader.prose(prose),
            Piece::Block(_) if elsewhere => {}
            Piece::Block(block) => reader.block(block),
        }
    }
    let new = written(&pieces);
    if new != text && std::env::var_os("DLMC_BLESS").is_some() {
        std::fs::write(path, new).expect("written anew");
    }
    (reader.wrong, reader.run)
}

#[test]
fn documents_show_what_happens() {
    let only = std::env::var("DLMC_DOCUMENT").unwrap_or_default();
    let mut paths = links::documents(&root());
    paths.retain(|path| path.to_string_lossy().ends_with(&only));
    assert!(only.len() + paths.len() >= 20, "{paths:?}");
    let results: Vec<_> = std::thread::scope(|scope| {
        let threads: Vec<_> = paths
            .iter()
            .map(|path| scope.spawn(move || read(path)))
            .collect();
        let joined = threads.into_iter().map(|thread| thread.join());
        joined.map(|read| read.expect("no panic")).collect()
    });
    let wrong: Vec<_> = results.iter().flat_map(|(wrong, _)| wrong).collect();
    let run: usize = results.iter().map(|(_, run)| run).sum();
    let listed: String = wrong.iter().map(|what| format!("{what}\n")).collect();
    assert!(wrong.is_empty(), "{listed}");
    assert!(!only.is_empty() || run >= 20, "{run} programs and commands");
}

fn text(path: &str) -> String {
    std::fs::read_to_string(root().join(path)).expect("the document is there")
}

#[test]
fn the_readme_leads_to_every_document() {
    let readme = text("README.md");
    for path in links::documents(&root()) {
        let name = path.strip_prefix(root()).expect("below the root");
        let name = name.to_string_lossy().replace('\\', "/");
        let linked = readme.contains(&format!("]({name})"));
        let elsewhere = name.starts_with("docs/") || !name.contains('/');
        assert!(linked || name == "README.md" || !elsewhere, "{name}");
    }
}

#[test]
fn the_readme_shows_rows_of_the_comparison() {
    let (readme, all) = (text("README.md"), text("docs/performance.md"));
    let section = readme.split("## Speed").nth(1).expect("the section");
    let section = section.split("## ").next().expect("its text");
    let rows: Vec<&str> = section.lines().filter(|l| l.starts_with("| ")).collect();
    assert!(rows.len() > 5, "{rows:?}");
    for row in rows {
        assert!(all.contains(row), "docs/performance.md has another: {row}");
    }
}

#[test]
fn the_picture_of_the_readme_is_drawn_by_dlmc() {
    let path = root().join("docs/images/rnn.svg");
    let arguments = ["graph", "rnn.dlm", "-o", "-"].map(String::from);
    let came = dlmc(&root().join("examples"), &arguments);
    assert!(came.good, "{}", came.errors);
    if std::env::var_os("DLMC_BLESS").is_some() {
        std::fs::write(&path, &came.output).expect("written anew");
    }
    assert!(
        text("docs/images/rnn.svg") == came.output,
        "another picture"
    );
}

#[test]
fn documents_with_rust_are_compiled() {
    let library = text("src/lib.rs");
    for document in COMPILED {
        let named = format!("include_str!(\"../{document}\")");
        assert!(library.contains(&named), "src/lib.rs lacks {named}");
    }
}
