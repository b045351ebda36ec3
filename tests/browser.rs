//! The pages that dlmc writes, in a real browser: the report, the picture of a model, the documentation; at the width of a desk and of a
//! phone, light and dark. Needs Chromium or Chrome in `PATH`; `DLMC_TEST_BROWSER` names another, or says `required`. Without one it says so.
#![cfg(feature = "cli")]

use std::path::{Path, PathBuf};
use std::process::Command;

const WIDTHS: [&str; 2] = ["1280", "390"];

fn browser() -> Option<PathBuf> {
    let named = std::env::var("DLMC_TEST_BROWSER").unwrap_or_default();
    if !named.is_empty() && named != "required" {
        return Some(named.into());
    }
    let names = ["chromium", "chromium-browser", "google-chrome", "chrome"];
    let paths = std::env::var_os("PATH").unwrap_or_default();
    let found = std::env::split_paths(&paths)
        .flat_map(|folder| names.map(|name| folder.join(name)))
        .find(|path| path.is_file());
    assert!(
        found.is_some() || named.is_empty(),
        "DLMC_TEST_BROWSER asks for a browser, and PATH has none"
    );
    if found.is_none() {
        eprintln!("no browser in PATH: the pages are not looked at");
    }
    found
}

struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Folder {
        let path = std::env::temp_dir().join(format!("dlmc-browser-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&path).expect("a folder");
        Folder(path)
    }

    /// Runs dlmc, and gives the path of what it wrote.
    fn written(&self, arguments: &[&str], file: &str) -> PathBuf {
        let path = self.0.join(file);
        let run = Command::new(env!("CARGO_BIN_EXE_dlmc"))
            .args(arguments)
            .arg(&path)
            .current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/examples"))
            .output()
            .expect("starts");
        let errors = String::from_utf8_lossy(&run.stderr);
        assert!(run.status.success(), "{errors}");
        path
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// What a browser says of a page: lines of a width, what was measured and the finding.
fn said(browser: &Path, folder: &Folder, page: &Path, dark: bool) -> Vec<String> {
    let measure = include_str!("browser/measure.html");
    let measure = measure.replace("PAGE", &format!("file://{}", page.display()));
    let outer = folder.0.join("measure.html");
    std::fs::write(&outer, measure).expect("written");
    let profile = folder.0.join(format!("profile-{dark}"));
    let run = Command::new(browser)
        .args([
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-quic",
            "--no-first-run",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
            "--allow-file-access-from-files",
            "--hide-scrollbars",
            "--window-size=1400,1000",
            "--virtual-time-budget=10000",
            "--dump-dom",
        ])
        .arg(format!("--user-data-dir={}", profile.display()))
        .arg(format!(
            "--blink-settings=preferredColorScheme={}",
            u8::from(!dark)
        ))
        .arg(format!("file://{}", outer.display()))
        .output()
        .expect("the browser starts");
    let dom = String::from_utf8_lossy(&run.stdout).into_owned();
    let errors = String::from_utf8_lossy(&run.stderr);
    let start = dom
        .find("<pre id=\"said\">")
        .unwrap_or_else(|| panic!("the page was not measured: {errors}\n{dom}"));
    let text = dom[start..].split('>').nth(1).unwrap_or_default();
    let text = text.split("</pre").next().unwrap_or_default();
    text.lines()
        .filter(|line| !line.is_empty())
        .map(|line| {
            line.replace("&lt;", "<")
                .replace("&gt;", ">")
                .replace("&amp;", "&")
        })
        .collect()
}

/// The findings of one kind at one width.
fn findings<'a>(said: &'a [String], width: &str, what: &str) -> Vec<&'a str> {
    let head = format!("{width} {what} ");
    said.iter()
        .filter_map(|line| line.strip_prefix(&head))
        .collect()
}

/// Nothing is loaded, cut off, wider than the window or hard to read.
fn is_well_made(said: &[String], dark: bool) {
    for width in WIDTHS {
        let all = |what: &str| findings(said, width, what);
        assert_eq!(all("too-wide"), ["0"], "{width}: {said:#?}");
        assert_eq!(all("loaded"), ["0"], "{width}: {said:#?}");
        for what in ["clipped", "faint", "cut", "no-image"] {
            assert!(all(what).is_empty(), "{width} {what}: {:#?}", all(what));
        }
        let background = all("background").join("");
        let first: u32 = background
            .split(|c: char| !c.is_ascii_digit())
            .find_map(|number| number.parse().ok())
            .unwrap_or(255);
        assert_eq!(first < 128, dark, "{width}: {background}");
    }
}

#[test]
fn the_report_of_a_classifier() {
    let Some(browser) = browser() else { return };
    let folder = Folder::new("classifier");
    let run = ["run", "lenet.dlm", "--quiet", "--seed", "1", "--report"];
    let page = folder.written(&run, "run.html");
    for dark in [false, true] {
        let said = said(&browser, &folder, &page, dark);
        is_well_made(&said, dark);
        for width in WIDTHS {
            let sections = findings(&said, width, "section");
            for wanted in [
                "Settings",
                "Training",
                "Predictions",
                "Output",
                "Layers",
                "Parameters",
                "Where the time goes",
                "Memory plan",
                "Program",
            ] {
                assert!(sections.contains(&wanted), "{wanted}: {sections:?}");
            }
            assert_eq!(findings(&said, width, "pointer"), ["true"]);
            assert_eq!(findings(&said, width, "pointer-gone"), ["true"]);
            // Each of the 1,000 rows of the validation part stands in one cell.
            assert_eq!(findings(&said, width, "matrix"), ["1000"]);
        }
    }
}

#[test]
fn the_report_of_two_models_that_learn_by_a_loop() {
    let Some(browser) = browser() else { return };
    let folder = Folder::new("loop");
    let page = folder.written(&["run", "gan.dlm", "--quiet", "--report"], "run.html");
    for dark in [false, true] {
        let said = said(&browser, &folder, &page, dark);
        is_well_made(&said, dark);
        for width in WIDTHS {
            let sections = findings(&said, width, "section");
            assert!(sections.contains(&"Losses"), "{sections:?}");
        }
    }
}

#[test]
fn the_documentation() {
    let Some(browser) = browser() else { return };
    let folder = Folder::new("documentation");
    let page = folder.written(&["doc", "--html"], "doc.html");
    for dark in [false, true] {
        let said = said(&browser, &folder, &page, dark);
        is_well_made(&said, dark);
        let sections = findings(&said, "390", "section");
        for wanted in ["layers", "losses", "optimizers", "statements"] {
            assert!(sections.contains(&wanted), "{wanted}: {sections:?}");
        }
    }
}

#[test]
fn the_picture_of_a_model() {
    let Some(browser) = browser() else { return };
    let folder = Folder::new("picture");
    let pictures = [
        folder.written(&["graph", "lenet.dlm", "-o"], "model.svg"),
        folder.written(&["graph", "rnn.dlm", "--depth", "2", "-o"], "deep.svg"),
        folder.written(
            &["graph", "iris.dlm", "--stage", "kernels", "-o"],
            "kernels.svg",
        ),
    ];
    for page in &pictures {
        for dark in [false, true] {
            let said = said(&browser, &folder, page, dark);
            for width in WIDTHS {
                assert_eq!(findings(&said, width, "loaded"), ["0"]);
                let clipped = findings(&said, width, "clipped");
                assert!(clipped.is_empty(), "{}: {clipped:#?}", page.display());
            }
        }
    }
}
