//! Which files are read, and what is said of those that are not.
use super::*;

#[test]
fn a_missing_file_names_its_folder_and_the_nearest_file() {
    let folder = Folder::new().with("iris.csv", FLOWERS);
    let error = open(&folder, reader("csv", &["irs.csv"], &[]), &[]).unwrap_err();
    assert!(error.missing);
    assert_eq!(
        error.message,
        format!("there is no file \"irs.csv\" in {}", folder.text())
    );
    assert_eq!(error.help.as_deref(), Some("did you mean \"iris.csv\"?"));
    let error = open(&folder, reader("csv", &["sub/iris.csv"], &[]), &[]).unwrap_err();
    assert!(error.missing);
    assert_eq!(
        error.message,
        format!(
            "there is no file \"sub/iris.csv\": the folder {}/sub does not exist",
            folder.text()
        )
    );
    let error = open(&folder, reader("csv", &["."], &[]), &[]).unwrap_err();
    assert_eq!(error.message, "\".\" is a folder, not a file");
}

#[test]
fn a_rooted_provider_refuses_what_lies_outside() {
    let outside = Folder::new().with("secret.csv", "a\n1\n");
    let folder = Folder::new().with("in.csv", "a\n1\n");
    std::fs::create_dir(folder.0.join("sub")).unwrap();
    let mut provider = FileProvider::rooted(&folder.0).unwrap();
    let mut try_path = |base: &str, path: &str| {
        let spec = DataSpec {
            source: reader("csv", &[path], &[]),
            transforms: vec![],
            base_dir: base.to_string(),
        };
        provider
            .open(&spec)
            .map(|_| ())
            .map_err(|error| error.message)
    };
    assert_eq!(try_path("", "in.csv"), Ok(()));
    assert_eq!(try_path("sub", "../in.csv"), Ok(()));
    assert_eq!(
        try_path("", folder.0.join("in.csv").to_str().unwrap()),
        Ok(())
    );
    let refused = |path: &str| {
        Err(format!(
            "\"{path}\" lies outside the folder that this program may read"
        ))
    };
    let absolute = outside.0.join("secret.csv").display().to_string();
    let above = format!("../{}/secret.csv", outside.0.file_name().unwrap().display());
    for path in [
        absolute.as_str(),
        above.as_str(),
        "../nothing.csv",
        "/etc/passwd",
        "/nonexistent/x",
    ] {
        assert_eq!(try_path("", path), refused(path));
    }
    #[cfg(unix)]
    {
        std::os::unix::fs::symlink(&outside.0, folder.0.join("link")).unwrap();
        std::os::unix::fs::symlink(outside.0.join("none"), folder.0.join("dangling")).unwrap();
        assert_eq!(try_path("", "link/secret.csv"), refused("link/secret.csv"));
        assert_eq!(try_path("", "link/none.csv"), refused("link/none.csv"));
        assert!(try_path("", "dangling").is_err());
    }
    assert!(
        try_path("", "none.csv")
            .unwrap_err()
            .starts_with("there is no file \"none.csv\" in")
    );
    assert!(provider.resolve("", "new.safetensors").is_ok());
    assert!(provider.resolve("", "../new.safetensors").is_err());
}

#[test]
fn equal_specs_are_read_once_and_sources_are_text() {
    let folder = Folder::new()
        .with("a.csv", "a\n1\n")
        .with("b.dlm", "let x = 1");
    let mut provider = FileProvider::new();
    let spec = DataSpec {
        source: reader("csv", &["a.csv"], &[]),
        transforms: vec![],
        base_dir: folder.text(),
    };
    let first = provider.open(&spec).unwrap();
    std::fs::remove_file(folder.0.join("a.csv")).unwrap();
    assert!(Arc::ptr_eq(&first, &provider.open(&spec).unwrap()));
    let (text, name) = provider.source(&folder.text(), "b.dlm").unwrap();
    assert_eq!(text, "let x = 1");
    assert_eq!(name, folder.0.join("b.dlm").display().to_string());
    assert!(
        provider
            .source(&folder.text(), "c.dlm")
            .unwrap_err()
            .missing
    );
}

#[test]
fn the_limit_holds_for_files_and_tensors() {
    let folder = Folder::new().with("a.csv", "a\n1\n2\n3\n4\n");
    let mut provider = FileProvider::new().with_limit(8);
    let spec = DataSpec {
        source: reader("csv", &["a.csv"], &[]),
        transforms: vec![],
        base_dir: folder.text(),
    };
    assert_eq!(
        provider.open(&spec).unwrap_err().message,
        "a.csv holds more than the limit of 8 bytes"
    );
    let x = Tensor::new([1000], Elements::F32(vec![0.0; 1000])).unwrap();
    let source = DataSource::Tensors(vec![("x".to_string(), x)]);
    let transforms = vec![step("windows", &[number(500.0)], &[])];
    let error = FileProvider::new().with_limit(100_000).open(&DataSpec {
        source,
        transforms,
        base_dir: String::new(),
    });
    assert_eq!(
        error.unwrap_err().message,
        "data: `windows`: a tensor of sizes [500, 501] takes more than the limit of 100000 bytes"
    );
}
