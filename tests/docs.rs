//! Every block of the documents that is marked `dlm` compiles and runs.
use std::process::Command;

#[test]
fn every_block_runs() {
    let root = env!("CARGO_MANIFEST_DIR");
    let mut count = 0;
    for document in ["README.md", "docs/language.md"] {
        let text =
            std::fs::read_to_string(format!("{root}/{document}")).expect("the document is there");
        for (at, block) in text.split("```dlm\n").skip(1).enumerate() {
            let code = block.split("```").next().expect("the block ends");
            let code = code.replace("csv(\"", &format!("csv(\"{root}/examples/data/"));
            let path =
                std::env::temp_dir().join(format!("dlmc-docs-{}-{count}.dlm", std::process::id()));
            std::fs::write(&path, code).expect("written");
            let run = Command::new(env!("CARGO_BIN_EXE_dlmc"))
                .arg("run")
                .arg(&path)
                .output()
                .expect("starts");
            std::fs::remove_file(&path).ok();
            let errors = String::from_utf8_lossy(&run.stderr);
            assert!(run.status.success(), "{document}, block {at}: {errors}");
            count += 1;
        }
    }
    assert!(count >= 9, "{count} blocks");
}
