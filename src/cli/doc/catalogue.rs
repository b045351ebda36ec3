//! What is documented: the standard library and the language, or the declarations of one file.
use super::language::{FUNCTIONS, Row, SETTINGS, STATEMENTS};
use crate::base::diagnostic::nearest;
use crate::base::source::{FileId, Sources};
use crate::check::STANDARD_LIBRARY;
use crate::check::declared::{Declared, declarations};
use crate::data::readers::READERS;
use crate::data::transforms::TRANSFORMS;
use std::fmt::Write;

/// What is said of one name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The name.
    pub name: String,
    /// How it is declared, up to the body, or how it is used.
    pub head: String,
    /// What it does, as one paragraph.
    pub doc: String,
    /// The publication it is taken from, where one is named.
    pub citation: Option<String>,
    /// Options by name, and what they mean.
    pub options: Vec<(String, String)>,
    /// The text of the declaration; empty for what is no text of the language.
    pub code: String,
    /// Where the declaration stands; empty likewise.
    pub place: String,
}

/// Entries that belong together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    /// One word, the name of the file in `std/`.
    pub name: String,
    /// What holds for all of them.
    pub about: String,
    /// In the order of the source.
    pub entries: Vec<Entry>,
}

impl Entry {
    /// What a declaration's `##` lines say.
    pub fn declared(declared: Declared) -> Entry {
        let lines: Vec<&str> = declared.doc.lines().map(str::trim).collect();
        let cited = lines.iter().position(|line| line.starts_with("Source:"));
        let (doc, citation) = lines.split_at(cited.unwrap_or(lines.len()));
        let citation = citation.join(" ");
        Entry {
            name: declared.name,
            head: declared.head,
            doc: doc.join(" "),
            citation: citation
                .strip_prefix("Source:")
                .map(|text| text.trim().to_string()),
            options: Vec::new(),
            code: declared.text,
            place: declared.place,
        }
    }

    fn row(&(name, usage, doc): &Row) -> Entry {
        Entry {
            name: name.into(),
            head: usage.into(),
            doc: doc.into(),
            citation: None,
            options: Vec::new(),
            code: String::new(),
            place: String::new(),
        }
    }

    fn data(
        name: &'static str,
        usage: &'static str,
        doc: &'static str,
        options: &[(&str, &str)],
    ) -> Entry {
        let owned = |&(name, doc): &(&str, &str)| (name.to_string(), doc.to_string());
        Entry {
            options: options.iter().map(owned).collect(),
            ..Entry::row(&(name, usage, doc))
        }
    }

    /// The first sentence of what it does.
    pub fn sentence(&self) -> &str {
        let ends = self.doc.match_indices(". ").find(|(at, _)| {
            let next = self.doc.get(at + 2..).and_then(|rest| rest.chars().next());
            next.is_some_and(|c| c.is_uppercase() || c == '`')
        });
        ends.and_then(|(at, _)| self.doc.get(..at))
            .unwrap_or(&self.doc)
            .trim_end_matches('.')
    }
}

/// The comment that opens a file, as one paragraph.
fn about(text: &str) -> String {
    let lines: Vec<&str> = text
        .lines()
        .map_while(|line| line.strip_prefix("# "))
        .collect();
    lines.join(" ")
}

fn group(name: &str, text: &str, sources: &Sources, file: FileId) -> Group {
    let declared = declarations(sources, file);
    Group {
        name: name.into(),
        about: about(text),
        entries: declared.into_iter().map(Entry::declared).collect(),
    }
}

/// The groups of the standard library, one for each file of `std/`, by name.
pub fn standard_library() -> Vec<Group> {
    let mut sources = Sources::default();
    let groups = STANDARD_LIBRARY.iter().map(|(path, text)| {
        let file = sources.add(*path, *text);
        let name = path.trim_start_matches("std/").trim_end_matches(".dlm");
        group(name, text, &sources, file)
    });
    let mut groups: Vec<Group> = groups.collect();
    groups.sort_by(|a, b| a.name.cmp(&b.name));
    groups
}

/// The settings of a `train`.
pub fn settings() -> impl Iterator<Item = Entry> {
    SETTINGS.iter().map(Entry::row)
}

fn statement(row: &Row) -> Entry {
    let options = match row.0 {
        "train" => SETTINGS,
        _ => &[],
    };
    let option = |&(name, _, doc): &Row| (name.to_string(), doc.to_string());
    Entry {
        options: options.iter().map(option).collect(),
        ..Entry::row(row)
    }
}

/// What the language itself knows: statements, functions, readers and transforms of data.
pub fn language() -> Vec<Group> {
    let group = |name: &str, about: &str, entries: Vec<Entry>| Group {
        name: name.into(),
        about: about.into(),
        entries,
    };
    let readers = READERS
        .iter()
        .map(|row| Entry::data(row.name, row.usage, row.doc, row.options));
    let transforms = TRANSFORMS.iter().map(|row| Entry {
        head: format!("set |> {}", row.usage),
        ..Entry::data(row.name, row.usage, row.doc, row.options)
    });
    vec![
        group(
            "statements",
            "What a program is made of. docs/language.md introduces them with examples.",
            STATEMENTS.iter().map(statement).collect(),
        ),
        group(
            "functions",
            "Functions that the compiler itself knows. Those of one tensor act on each element unless they reduce.",
            FUNCTIONS.iter().map(Entry::row).collect(),
        ),
        group(
            "readers",
            "Where a data set comes from. Every file may be a gzip stream.",
            readers.collect(),
        ),
        group(
            "transforms",
            "What is done to a data set, in a pipe: `csv(\"iris.csv\") |> target(\"species\") |> standardize`.",
            transforms.collect(),
        ),
    ]
}

/// All that is documented without a program: the standard library, then the language.
pub fn everything() -> Vec<Group> {
    let mut groups = standard_library();
    groups.extend(language());
    groups
}

/// The declarations of one file.
pub fn of_file(sources: &Sources, file: FileId) -> Group {
    let source = sources.file(file);
    let text = source.text.clone();
    group(&source.name.clone(), &text, sources, file)
}

/// The documented name nearest to one that is not, where one is near.
pub fn nearest_name<'a>(name: &str, groups: &'a [Group]) -> Option<&'a str> {
    let names = groups.iter().flat_map(|group| {
        let entries = group.entries.iter().map(|entry| entry.name.as_str());
        std::iter::once(group.name.as_str()).chain(entries)
    });
    nearest(name, names)
}

/// All of it as a page of Markdown.
pub fn markdown() -> String {
    let mut page = String::from(
        "# The standard library\n\nWritten in the language itself, in [`std/`](../std); this page is made of its `##` comments. What the compiler itself knows stands at the\nend. `dlmc doc NAME` shows an entry, `dlmc doc --html FILE` writes all of them as a page that can be searched.\n",
    );
    for group in everything() {
        // Writing to a `String` cannot fail.
        let _ = write!(page, "\n## {}\n\n{}\n", group.name, group.about);
        for entry in &group.entries {
            let _ = write!(page, "\n```text\n{}\n```\n\n{}", entry.head, entry.doc);
            if let Some(citation) = &entry.citation {
                let _ = write!(page, " Source: {citation}");
            }
            page.push('\n');
            for (at, (name, doc)) in entry.options.iter().enumerate() {
                let gap = if at == 0 { "\n" } else { "" };
                let _ = writeln!(page, "{gap}- `{name}`: {doc}");
            }
        }
    }
    page
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::CheckOptions;
    use crate::check::growing::Growing;
    use crate::data::FileProvider;

    #[test]
    fn every_name_of_the_language_is_documented() {
        let provide =
            || -> Box<dyn crate::base::data::DataProvider> { Box::new(FileProvider::new()) };
        let growing = Growing::new("", CheckOptions::default(), Box::new(provide));
        let groups = everything();
        let documented = |name: &str| {
            let mut entries = groups.iter().flat_map(|group| &group.entries);
            entries.any(|entry| entry.name == name && entry.doc.len() > 20)
        };
        let names = growing.names();
        assert!(names.len() > 100);
        let missing: Vec<&String> = names.iter().filter(|name| !documented(name)).collect();
        assert!(missing.is_empty(), "{missing:?}");
    }

    #[test]
    fn every_setting_of_train_is_documented() {
        let documented: Vec<String> = settings().map(|entry| entry.name).collect();
        assert_eq!(documented, crate::check::train::KEYS);
    }

    #[test]
    fn publications_stand_apart_and_the_first_sentence_is_found() {
        let groups = standard_library();
        let mut entries = groups.iter().flat_map(|group| &group.entries);
        let relu = entries.find(|entry| entry.name == "relu").expect("relu");
        assert!(
            relu.citation
                .as_deref()
                .is_some_and(|c| c.starts_with("Nair"))
        );
        assert!(
            relu.sentence().starts_with("The rectifier"),
            "{}",
            relu.sentence()
        );
        assert!(!relu.sentence().contains("slope") && !relu.doc.contains("Source:"));
        assert_eq!(nearest_name("rleu", &groups), Some("relu"));
        assert_eq!(nearest_name("qqqqqqqq", &groups), None);
    }
}
