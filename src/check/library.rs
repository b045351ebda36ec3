//! The standard library, a part of the compiler.
use crate::base::source::{FileId, Sources};
use crate::syntax::ast::File;
use crate::syntax::parse::parse;
use std::sync::{Arc, OnceLock};

/// The standard library: names and texts of its files. A new file stands at the end, since the number of a file enters what is drawn in it.
pub const STANDARD_LIBRARY: &[(&str, &str)] = &[
    (
        "std/activations.dlm",
        include_str!("../../std/activations.dlm"),
    ),
    ("std/attention.dlm", include_str!("../../std/attention.dlm")),
    (
        "std/convolution.dlm",
        include_str!("../../std/convolution.dlm"),
    ),
    (
        "std/initialisers.dlm",
        include_str!("../../std/initialisers.dlm"),
    ),
    ("std/layers.dlm", include_str!("../../std/layers.dlm")),
    ("std/losses.dlm", include_str!("../../std/losses.dlm")),
    ("std/metrics.dlm", include_str!("../../std/metrics.dlm")),
    (
        "std/normalisation.dlm",
        include_str!("../../std/normalisation.dlm"),
    ),
    (
        "std/optimizers.dlm",
        include_str!("../../std/optimizers.dlm"),
    ),
    ("std/pooling.dlm", include_str!("../../std/pooling.dlm")),
    ("std/recurrent.dlm", include_str!("../../std/recurrent.dlm")),
    ("std/sampling.dlm", include_str!("../../std/sampling.dlm")),
    ("std/schedules.dlm", include_str!("../../std/schedules.dlm")),
    (
        "std/augmentation.dlm",
        include_str!("../../std/augmentation.dlm"),
    ),
];

/// Its trees where one text comes before it, the program's: places in a tree hold the number of its file. They are parsed when they are first
/// wanted: of a short program, that is most of the elaboration.
static TREES: OnceLock<Arc<[File]>> = OnceLock::new();

/// Adds its files to the texts of a program and gives their trees.
pub(super) fn trees(sources: &mut Sources) -> Arc<[File]> {
    let before = sources.files().len();
    let files = STANDARD_LIBRARY.iter();
    let files: Vec<FileId> = files
        .map(|(name, text)| sources.add(*name, *text))
        .collect();
    let parsed = || files.iter().map(|&file| parse(sources, file).0).collect();
    match before {
        1 => TREES.get_or_init(parsed).clone(),
        _ => parsed(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with_texts_before(count: usize) -> Arc<[File]> {
        let mut sources = Sources::default();
        for _ in 0..count {
            sources.add("m.dlm", "");
        }
        let trees = trees(&mut sources);
        assert_eq!(sources.files().len(), count + STANDARD_LIBRARY.len());
        for file in count..sources.files().len() {
            let (tree, said) = parse(&sources, FileId(file as u32));
            assert_eq!(said, []);
            assert_eq!(tree, trees[file - count]);
        }
        trees
    }

    #[test]
    fn its_trees_are_parsed_once_where_the_numbers_of_its_files_are_the_same() {
        let first = with_texts_before(1);
        with_texts_before(2);
        with_texts_before(0);
        assert!(Arc::ptr_eq(&first, &with_texts_before(1)));
    }
}
