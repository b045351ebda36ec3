//! No bytes make a reader panic.
use super::*;
use proptest::prelude::*;

/// Every reader on these bytes; an error is welcome, a panic is not.
fn read_all(bytes: &[u8]) {
    let folder = Folder::new().with("a", bytes);
    let window = [
        step("standardize", &[], &[]),
        step("windows", &[number(2.0)], &[]),
        step("split", &[number(0.5)], &[]),
    ];
    for (name, paths) in [
        ("csv", &["a"][..]),
        ("npy", &["a"]),
        ("npz", &["a"]),
        ("idx", &["a", "a"]),
        ("idx", &["a"]),
        ("text", &["a"]),
    ] {
        let _ = open(&folder, reader(name, paths, &[]), &[]);
        let _ = open(
            &folder,
            reader(name, paths, &[("test", string("a"))]),
            &window,
        );
    }
    let sequences = step(
        "sequences",
        &[],
        &[("by", string("a")), ("target", string("b"))],
    );
    let _ = open(
        &folder,
        reader("csv", &["a"], &[]),
        &[sequences, step("one_hot", &[], &[])],
    );
    let _ = safetensors::load(folder.0.join("a"));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn random_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        read_all(&bytes);
    }

    #[test]
    fn random_bytes_behind_a_sound_start_never_panic(start in 0usize..7, bytes in proptest::collection::vec(any::<u8>(), 0..100)) {
        let starts: [&[u8]; 7] = [
            &[0x1f, 0x8b, 8, 0],
            &[0, 0, 8, 3, 0, 0, 0, 1],
            &[0, 0, 8, 1, 0, 0, 0],
            b"\x93NUMPY\x01\x00\x46\x00{'descr': '<f4', 'fortran_order': False, 'shape': (",
            b"PK\x03\x04\x14\x00",
            b"a,b\n",
            &[40, 0, 0, 0, 0, 0, 0, 0, b'{', b'"'],
        ];
        read_all(&[starts[start], &bytes].concat());
    }

    #[test]
    fn tables_of_few_characters_never_panic(text in "(a|b|t|,|1|2|\n|\"|;|\\.|-|NA){0,60}") {
        read_all(format!("a,b,t\n{text}").as_bytes());
        read_all(text.as_bytes());
    }

    #[test]
    fn changed_bytes_of_sound_files_never_panic(at in 0usize..400, value in any::<u8>(), which in 0usize..3) {
        let mut bytes = match which {
            0 => idx_images(3),
            1 => npy("<i2", "True", "(2, 2)", &[1, 0, 2, 0, 3, 0, 4, 0]),
            _ => zip(&[("x.npy", npy("<f4", "False", "(1,)", &[0; 4]))]),
        };
        let length = bytes.len();
        bytes[at % length] = value;
        read_all(&bytes);
    }
}
