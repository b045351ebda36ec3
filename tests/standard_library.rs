//! `docs/standard_library.md` is made of the `##` lines of `std/*.dlm`: what is documented there is what is compiled.
//! `DLMC_BLESS=1` writes it anew.
#![cfg(feature = "cli")]

use dlmc::cli::doc::{catalogue, markdown};
use std::path::Path;

#[test]
fn the_page_says_what_the_sources_say() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/standard_library.md");
    let page = markdown();
    if std::env::var_os("DLMC_BLESS").is_some() {
        std::fs::write(&path, &page).expect("written");
    }
    let kept = std::fs::read_to_string(&path).expect("the page");
    assert!(
        kept == page,
        "docs/standard_library.md is old: DLMC_BLESS=1 writes it anew"
    );
}

#[test]
fn every_file_of_the_library_is_embedded_and_every_declaration_documented() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("std");
    let mut files: Vec<String> = std::fs::read_dir(folder)
        .expect("the standard library")
        .map(|entry| entry.expect("readable").path())
        .map(|path| {
            path.file_stem()
                .expect("a name")
                .to_string_lossy()
                .into_owned()
        })
        .collect();
    files.sort();
    let groups = catalogue::standard_library();
    let names: Vec<&String> = groups.iter().map(|group| &group.name).collect();
    assert_eq!(names, files.iter().collect::<Vec<_>>());
    for group in &groups {
        assert!(!group.about.is_empty(), "{}", group.name);
        for entry in &group.entries {
            assert!(!entry.doc.is_empty(), "`{}` is not documented", entry.head);
        }
    }
}
