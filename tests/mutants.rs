//! Good inputs, spoilt at random, and what fuzzing has kept: nothing that reads them panics. `DLMC_TEST_COUNT` says how many of each kind
//! are tried.
use dlmc::MemoryLoader;
use dlmc::data::FileProvider;
use dlmc::testing::Rng;
use dlmc::testing::mutants::{
    check_program, read_data, read_graph, read_source, run_graph, with_other_bytes,
    with_other_tokens,
};
use std::io::Read;
use std::path::{Path, PathBuf};

#[path = "support/state.rs"]
mod state;

fn count(usual: u64) -> u64 {
    let wanted = std::env::var("DLMC_TEST_COUNT").ok();
    wanted.map_or(usual, |text| text.parse().expect("a number"))
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The files of some folders with that ending.
fn files(folders: &[&str], ending: &str) -> Vec<PathBuf> {
    let entries = folders
        .iter()
        .flat_map(|folder| std::fs::read_dir(root().join(folder)).unwrap());
    let mut found: Vec<PathBuf> = entries
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|found| found == ending))
        .collect();
    found.sort();
    assert!(!found.is_empty());
    found
}

fn programs() -> Vec<(PathBuf, String)> {
    let folders = [
        "examples",
        "std",
        "tests/language",
        "tests/programs",
        "tests/ui",
    ];
    let paths = files(&folders, "dlm").into_iter();
    paths
        .map(|path| (path.clone(), std::fs::read_to_string(path).unwrap()))
        .collect()
}

/// Does something with an input and names the input where it panics.
fn noted(kind: &str, seed: u64, input: &[u8], work: impl FnOnce() + std::panic::UnwindSafe) {
    if let Err(panic) = std::panic::catch_unwind(work) {
        let kept = std::env::temp_dir().join(format!("dlmc-crash-{kind}-{seed}"));
        std::fs::write(&kept, input).unwrap();
        eprintln!("{kind} {seed}: the input is kept in {}", kept.display());
        std::panic::resume_unwind(panic);
    }
}

#[test]
fn spoilt_programs_are_read() {
    let programs = programs();
    for seed in 0..count(600) {
        let mut rng = Rng::new(seed);
        let (_, text) = &programs[rng.below(programs.len())];
        let spoilt = with_other_bytes(text.as_bytes(), &mut rng);
        let spoilt = String::from_utf8_lossy(&spoilt).into_owned();
        noted("source", seed, spoilt.as_bytes(), || read_source(&spoilt));
    }
}

#[test]
fn spoilt_programs_are_checked() {
    let programs = programs();
    for seed in 0..count(150) {
        let mut rng = Rng::new(seed);
        let (path, text) = &programs[rng.below(programs.len())];
        let spoilt = match rng.chance(0.7) {
            true => with_other_tokens(text, &mut rng),
            false => String::from_utf8_lossy(&with_other_bytes(text.as_bytes(), &mut rng)).into(),
        };
        let folder = path.parent().unwrap().strip_prefix(root()).unwrap();
        noted("program", seed, spoilt.as_bytes(), || {
            let mut provider = FileProvider::rooted(root()).unwrap().with_limit(1 << 24);
            check_program(&spoilt, &mut provider, folder.to_str().unwrap());
        });
    }
}

/// One small sound file of each format.
fn data() -> Vec<Vec<u8>> {
    let header = "{'descr': '<f4', 'fortran_order': False, 'shape': (3, 2), }";
    let mut npy = b"\x93NUMPY\x01\x00\x76\x00".to_vec();
    npy.extend(format!("{header:<117}\n").bytes());
    npy.extend([0u8; 24]);
    let mut idx = vec![0, 0, 8, 2, 0, 0, 0, 3, 0, 0, 0, 2];
    idx.extend([7u8; 6]);
    let header = br#"{"w":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}"#;
    let mut weights = (header.len() as u64).to_le_bytes().to_vec();
    weights.extend(header);
    weights.extend([0u8; 8]);
    let text = b"a,b,c\n1,2.5,x\n3,NA,y\n\"4\",5e3,x\n".to_vec();
    let lines = b"{\"a\": 1, \"b\": [1, 2.5]}\n{\"a\": null, \"b\": [3, 4]}\n".to_vec();
    let mut data = vec![npy, idx, weights, text, lines];
    let pictures = "src/data/tests/pictures";
    for (folder, ending) in [
        ("src/data/tests/parquet", "parquet"),
        (pictures, "png"),
        (pictures, "jpg"),
    ] {
        let paths = files(&[folder], ending).into_iter();
        data.extend(paths.map(|path| std::fs::read(path).unwrap()));
    }
    data
}

#[test]
fn spoilt_data_are_read() {
    let folder = std::env::temp_dir().join(format!("dlmc-spoilt-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let data = data();
    for seed in 0..count(200) {
        let mut rng = Rng::new(seed);
        let spoilt = with_other_bytes(&data[rng.below(data.len())], &mut rng);
        noted("data", seed, &spoilt, || read_data(&folder, &spoilt));
    }
    std::fs::remove_dir_all(&folder).unwrap();
}

const GRAPH: &str = r#"v0: f32[4, 6] = input 0 "x"
v1: i32[4] = input 1 "rows"
v2: f64[] = [] 0.5d
v3: f32[4, 6] = [i0 < 4, i1 < 6] let s0 = (add v0[i0, i1] 1e-5); let s1 = (exp s0); (mul s1 (sub s0 s1))
v4: f32[4] = [i0 < 4] sum lanes[i1 < 6] (mul v0[v1[i0], i1] v0[i0, -i1 + 5]) where i0 - i1 + 2 >= 0 and i0 == 0
v5: f32[8] = [i0 < 8] v4[(i0 - 1)/2]{i0 - 1 >= 0 and -i0 + 8 >= 0 and i0 - 1 % 2 == 0 else -inf}
v6: f32[4, 6] = scatter [i0 < 4, i1 < 6] at [v1[i0], i1] v0[i0, i1] where i0 + i1 - 1 >= 0
v7: f32[24] = reshape v6
v8: f32[12] = concat v4, v5 over 0
v9: f32[] = [] max[i0 < 4, i1 < 6] v3[i0, i1]
v10: f32[4, 6] = gradient v9 by v0
return v10, v8
"#;

#[test]
fn spoilt_graphs_are_read() {
    read_graph(GRAPH);
    for seed in 0..count(2000) {
        let mut rng = Rng::new(seed);
        let spoilt = with_other_bytes(GRAPH.as_bytes(), &mut rng);
        let spoilt = String::from_utf8_lossy(&spoilt).into_owned();
        noted("graph", seed, spoilt.as_bytes(), || read_graph(&spoilt));
    }
}

/// Graphs of the tests of passes, spoilt: those that are still sound give the interpreter's bits.
#[test]
fn spoilt_graphs_give_the_same_bits() {
    let texts = files(&["tests/passes"], "txt").into_iter();
    let texts = texts.map(|path| std::fs::read_to_string(path).unwrap());
    let graphs: Vec<String> = texts
        .flat_map(|text| text.split("\n---\n").map(String::from).collect::<Vec<_>>())
        .collect();
    graphs.iter().for_each(|graph| run_graph(graph));
    for seed in 0..count(200) {
        let mut rng = Rng::new(seed);
        let spoilt = with_other_bytes(graphs[rng.below(graphs.len())].as_bytes(), &mut rng);
        let spoilt = String::from_utf8_lossy(&spoilt).into_owned();
        noted("native", seed, spoilt.as_bytes(), || run_graph(&spoilt));
    }
}

#[test]
fn spoilt_states_are_refused_or_gone_on_from() {
    let (mut trainer, state) = state::stopped();
    for seed in 0..count(200) {
        let mut rng = Rng::new(seed);
        let numbers = [0, 1, 2, 1 << 31, u64::MAX >> 1, u64::MAX, rng.bits()];
        let mut changes = Vec::new();
        for _ in 0..rng.below(3) {
            // Most numbers that are not weights stand at the beginning.
            let first = rng.chance(0.7);
            let place = rng.below(if first { 24 } else { state.len() / 8 });
            changes.extend((place as u16).to_le_bytes());
            changes.extend(rng.pick(&numbers).to_le_bytes());
        }
        changes.extend(vec![0; if rng.chance(0.1) { 3 } else { 0 }]);
        let work = std::panic::AssertUnwindSafe(|| {
            state::go_on_from(&mut trainer, &state, &changes);
        });
        noted("state", seed, &changes, work);
    }
}

/// Inputs that fuzzing has kept for a target, about as many as are wanted, from all over the archive.
fn kept(target: &str, usual: u64) -> Vec<(u64, Vec<u8>)> {
    let path = root().join(format!("fuzz/kept/{target}.tar.gz"));
    let file = std::fs::File::open(&path).unwrap();
    let mut archive = tar::Archive::new(flate2::read::GzDecoder::new(file));
    let mut inputs = Vec::new();
    for entry in archive.entries().unwrap() {
        let mut entry = entry.unwrap();
        if entry.header().entry_type().is_file() {
            let mut input = Vec::new();
            entry.read_to_end(&mut input).unwrap();
            inputs.push(input);
        }
    }
    assert!(!inputs.is_empty(), "{}", path.display());
    let step = (inputs.len() as u64).div_ceil(count(usual).max(1));
    (0..).zip(inputs).filter(|(at, _)| at % step == 0).collect()
}

/// Those of a target that takes texts.
fn kept_texts(target: &str, usual: u64, work: impl Fn(&str) + std::panic::RefUnwindSafe) {
    for (at, input) in kept(target, usual) {
        // What is not UTF-8 the target does not see.
        if let Ok(text) = std::str::from_utf8(&input) {
            noted(target, at, &input, || work(text));
        }
    }
}

#[test]
fn kept_sources_are_read() {
    kept_texts("source", 1000, read_source);
}

#[test]
fn kept_programs_are_checked() {
    kept_texts("program", 100, |text| {
        check_program(text, &mut MemoryLoader::default(), ".");
    });
}

#[test]
fn kept_data_are_read() {
    let folder = std::env::temp_dir().join(format!("dlmc-kept-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    for (at, input) in kept("data", 500) {
        noted("data", at, &input, || read_data(&folder, &input));
    }
    std::fs::remove_dir_all(&folder).unwrap();
}

#[test]
fn kept_graphs_are_read() {
    kept_texts("graph", 1000, read_graph);
}

#[test]
fn kept_graphs_give_the_same_bits() {
    kept_texts("native", 200, run_graph);
}

#[test]
fn kept_states_are_refused_or_gone_on_from() {
    let (mut trainer, state) = state::stopped();
    for (at, changes) in kept("state", 200) {
        let work = std::panic::AssertUnwindSafe(|| {
            state::go_on_from(&mut trainer, &state, &changes);
        });
        noted("state", at, &changes, work);
    }
}
