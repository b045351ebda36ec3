//! IDX, NumPy and text files.
use super::*;

#[test]
fn idx_files_give_images_and_labels() {
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    std::io::Write::write_all(&mut packed, &idx_images(3)).unwrap();
    let folder = Folder::new()
        .with("i", packed.finish().unwrap())
        .with("l", idx_labels(&[2, 0, 1]))
        .with("ti", idx_images(1))
        .with("tl", idx_labels(&[1]));
    let set = open(&folder, reader("idx", &["i", "l"], &[]), &[]).unwrap();
    assert_eq!(
        set.field_type("", "x").unwrap().to_string(),
        "f32[3, 1, 2, 2]"
    );
    assert_eq!(
        values(&set, "", "x")[..4],
        [
            0.0,
            f64::from(51.0f32 / 255.0),
            f64::from(102.0f32 / 255.0),
            f64::from(153.0f32 / 255.0)
        ]
    );
    assert_eq!(field(&set, "", "y").as_i32().unwrap(), [2, 0, 1]);
    assert_eq!(set.summary, "i: 3 images of 2x2, 3 classes");
    let set = open(&folder, reader("idx", &["i", "l", "ti", "tl"], &[]), &[]).unwrap();
    assert_eq!(
        set.summary,
        "i: 4 images of 2x2, 3 classes (train 3, test 1)"
    );
    let error = message(open(
        &folder,
        reader("idx", &["i", "l", "ti", "tl"], &[]),
        &[step("split", &[number(0.5)], &[])],
    ));
    assert_eq!(
        error,
        "i: there is already a part `test`, from a file of its own"
    );
    let cut = step(
        "split",
        &[],
        &[("train", number(2.0)), ("valid", number(1.0))],
    );
    let images = reader("idx", &["i", "l", "ti", "tl"], &[]);
    let set = open(&folder, images, &[cut]).unwrap();
    assert_eq!(
        set.summary,
        "i: 4 images of 2x2, 3 classes (train 2, valid 1, test 1)"
    );
    let set = open(&folder, reader("idx", &["i"], &[]), &[]).unwrap();
    assert!(set.field_type("", "y").is_none());
}

#[test]
fn malformed_idx_files_are_errors() {
    let good = idx_images(3);
    let mut long = good.clone();
    long.push(0);
    let huge = [&[0, 0, 8, 3][..], &[255; 12]].concat();
    let cases: Vec<(Vec<u8>, &str)> = vec![
        (
            good[..20].to_vec(),
            "i: cut off: 4 bytes of images, where the sizes [3, 2, 2] need 12",
        ),
        (
            good[..7].to_vec(),
            "i: cut off in the header: 7 bytes, where it has 16",
        ),
        (
            good[..2].to_vec(),
            "i: cut off: 2 bytes, where the header has at least 4",
        ),
        (long, "i: 1 bytes follow the images of sizes [3, 2, 2]"),
        (
            b"PNG file".to_vec(),
            "i: wrong magic number 50 4e 47 20: this is not an IDX file",
        ),
        (
            vec![0, 0, 13, 1, 0, 0, 0, 0],
            "i: elements of type code 0x0d; images are of u8 (0x08)",
        ),
        (
            idx_labels(&[1, 2]),
            "i: labels (one dimension) where images are wanted",
        ),
        (
            idx_images(0),
            "i: the data set is empty: the file holds no image",
        ),
    ];
    for (bytes, expected) in cases {
        let folder = Folder::new()
            .with("i", bytes)
            .with("l", idx_labels(&[1, 2, 3]));
        assert_eq!(
            message(open(&folder, reader("idx", &["i", "l"], &[]), &[])),
            expected
        );
    }
    let folder = Folder::new().with("i", huge);
    assert!(message(open(&folder, reader("idx", &["i"], &[]), &[])).contains("i: "));
    let folder = Folder::new().with("i", good).with("l", idx_labels(&[1; 4]));
    assert_eq!(
        message(open(&folder, reader("idx", &["i", "l"], &[]), &[])),
        "l: 4 labels, more than the 3 images of i"
    );
    assert_eq!(
        message(open(&folder, reader("idx", &["i", "i"], &[]), &[])),
        "i: sizes [3, 2, 2], where labels [n] are wanted"
    );
    let folder = Folder::new().with("i", [0x1f, 0x8b, 8, 0, 0, 0]);
    assert!(
        message(open(&folder, reader("idx", &["i"], &[]), &[]))
            .starts_with("i: the gzip stream is damaged or cut off")
    );
}

fn open_npy(bytes: Vec<u8>, options: &[(&str, DataOption)]) -> Result<Arc<DataSet>, DataError> {
    open(
        &Folder::new().with("a.npy", bytes),
        reader("npy", &["a.npy"], options),
        &[],
    )
}

#[test]
fn npy_types_become_ours() {
    let bytes = |values: &[f64]| {
        values
            .iter()
            .flat_map(|value| value.to_le_bytes())
            .collect::<Vec<u8>>()
    };
    let doubles = npy("<f8", "False", "(2,)", &bytes(&[1.5, -2.0]));
    assert_eq!(
        field(&open_npy(doubles.clone(), &[]).unwrap(), "", "x")
            .as_f32()
            .unwrap(),
        [1.5, -2.0]
    );
    let kept = open_npy(doubles, &[("dtype", string("f64"))]).unwrap();
    assert_eq!(kept.field_type("", "x").unwrap().to_string(), "f64[2]");
    let cases: &[(&str, &[u8], &str, [f64; 2])] = &[
        (">i2", &[255, 254, 1, 0], "i32[2]", [-2.0, 256.0]),
        ("|i1", &[255, 3], "i32[2]", [-1.0, 3.0]),
        ("|u1", &[255, 3], "u8[2]", [255.0, 3.0]),
        ("|b1", &[1, 0], "bool[2]", [1.0, 0.0]),
        ("<u2", &[0, 1, 2, 0], "i32[2]", [256.0, 2.0]),
        ("<f2", &[0, 0x3c, 0, 0xc0], "f32[2]", [1.0, -2.0]),
    ];
    for (descr, data, ty, expected) in cases {
        let set = open_npy(npy(descr, "False", "(2,)", data), &[]).unwrap();
        assert_eq!(set.field_type("", "x").unwrap().to_string(), *ty);
        assert_eq!(values(&set, "", "x"), expected);
    }
    let set = open_npy(npy("|u1", "True", "(2, 2)", &[1, 2, 3, 4]), &[]).unwrap();
    assert_eq!(values(&set, "", "x"), [1.0, 3.0, 2.0, 4.0]);
}

#[test]
fn malformed_npy_files_are_errors() {
    let cases: Vec<(Vec<u8>, &str)> = vec![
        (
            npy("<f4", "False", "(3,)", &[0; 8]),
            "a.npy: cut off: 8 bytes, where the sizes [3] need 12",
        ),
        (
            npy("<f4", "False", "(1,)", &[0; 8]),
            "a.npy: 4 bytes follow the array",
        ),
        (
            npy("<f4", "False", "(10000000000000,)", &[0; 8]),
            "a.npy: cut off: 8 bytes, where the sizes [10000000000000] need 40000000000000",
        ),
        (
            npy("<f4", "False", "(4294967296, 4294967296)", &[]),
            "a.npy: the sizes [4294967296, 4294967296] are too large for any file",
        ),
        (
            npy("<i8", "False", "(1,)", &(1i64 << 40).to_le_bytes()),
            "a.npy: element 0 is 1099511627776, which i32 cannot hold",
        ),
        (
            npy("<c8", "False", "(1,)", &[0; 8]),
            "a.npy: elements of type `<c8` are not supported",
        ),
        (
            npy("<f4", "False", "()", &[0; 4]),
            "a.npy: `x` is a single number",
        ),
        (
            npy("<f4", "False", "(0, 3)", &[]),
            "a.npy: the data set is empty: its first dimension is 0",
        ),
        (
            b"\x93NUMPY\x01\x00\xff".to_vec(),
            "a.npy: cut off in the header",
        ),
        (
            b"hello".to_vec(),
            "a.npy: wrong magic number: this is not a .npy file",
        ),
    ];
    for (bytes, expected) in cases {
        assert_eq!(message(open_npy(bytes, &[])), expected);
    }
    assert!(
        message(open_npy(npy("<f4", "False", "(-3,)", &[]), &[]))
            .starts_with("a.npy: the header has no sound `shape`")
    );
}

#[test]
fn npz_fields_have_their_names() {
    let x = npy("|u1", "False", "(2, 3)", &[1, 2, 3, 4, 5, 6]);
    let archive = zip(&[
        ("y.npy", npy("|i1", "False", "(2,)", &[0, 1])),
        ("x.npy", x.clone()),
    ]);
    let folder = Folder::new().with("a.npz", &archive);
    let set = open(&folder, reader("npz", &["a.npz"], &[]), &[]).unwrap();
    assert_eq!(set.field_type("", "x").unwrap().to_string(), "u8[2, 3]");
    assert_eq!(set.field_type("", "y").unwrap().to_string(), "i32[2]");
    let set = open(
        &folder,
        reader("npz", &["a.npz"], &[("test", string("a.npz"))]),
        &[],
    )
    .unwrap();
    assert_eq!(set.part("train"), set.part("test"));
    let loaded = safetensors::load(folder.0.join("a.npz")).unwrap();
    assert_eq!(loaded[0].0, "x");
    let uneven = zip(&[("y.npy", npy("|i1", "False", "(1,)", &[0])), ("x.npy", x)]);
    let folder = folder
        .with("b.npz", uneven)
        .with("c.npz", &archive[..archive.len() - 9]);
    assert_eq!(
        message(open(&folder, reader("npz", &["b.npz"], &[]), &[])),
        "b.npz: `x` has 2 rows and `y` has 1"
    );
    assert!(
        message(open(&folder, reader("npz", &["c.npz"], &[]), &[]))
            .starts_with("c.npz: this is not a sound .npz file")
    );
}

fn text(
    characters: &str,
    options: &[(&str, DataOption)],
    transforms: &[Transform],
) -> Result<Arc<DataSet>, DataError> {
    open(
        &Folder::new().with("a.txt", characters),
        reader("text", &["a.txt"], options),
        transforms,
    )
}

#[test]
fn a_text_becomes_tokens_and_windows() {
    let set = text("banana", &[], &[]).unwrap();
    assert_eq!(
        field(&set, "", "tokens").as_i32().unwrap(),
        [1, 0, 2, 0, 2, 0]
    );
    assert_eq!(set.vocabulary, ['a', 'b', 'n']);
    assert_eq!(set.summary, "a.txt: 6 characters, vocabulary of 3");
    let set = text("banana", &[], &[step("windows", &[number(2.0)], &[])]).unwrap();
    assert_eq!(
        set.field_type("", "tokens").unwrap().to_string(),
        "i32[2, 2]"
    );
    assert_eq!(values(&set, "", "tokens"), [1.0, 0.0, 2.0, 0.0]);
    assert_eq!(values(&set, "", "next"), [0.0, 2.0, 0.0, 2.0]);
    let set = text(
        "banana",
        &[],
        &[step("windows", &[number(2.0)], &[("stride", number(1.0))])],
    )
    .unwrap();
    assert_eq!(set.part("").unwrap().rows(), 4);
    assert_eq!(
        message(text("", &[], &[])),
        "a.txt: the data set is empty: the file holds no character"
    );
    let error = message(text("abc", &[], &[step("windows", &[number(3.0)], &[])]));
    assert_eq!(
        error,
        "a.txt: the 3 rows are too few for a window of 3 and the 1 after it"
    );
}

#[test]
fn the_split_of_a_text_is_contiguous_and_its_vocabulary_from_the_training_part() {
    let cut = step("split", &[], &[("train", number(0.75))]);
    let set = text("aabb\nabab", &[], std::slice::from_ref(&cut)).unwrap();
    assert_eq!(values(&set, "test", "tokens"), [1.0, 2.0]);
    let (error, help) = failure(text("aabb\nabz", &[], std::slice::from_ref(&cut)));
    assert_eq!(
        error,
        "a.txt, line 2: the character 'z' is in part `test` but not in the training part"
    );
    assert_eq!(
        help,
        "write text(..., unknown = \"?\") to read such characters as `?`"
    );
    let set = text(
        "aabb\nabz",
        &[("unknown", string("?"))],
        std::slice::from_ref(&cut),
    )
    .unwrap();
    assert_eq!(set.vocabulary, ['\n', '?', 'a', 'b']);
    assert_eq!(values(&set, "test", "tokens"), [3.0, 1.0]);
    // Windows keep the order too, whichever side of the split they are on.
    let windows = step("windows", &[number(1.0)], &[]);
    let set = text("abababab", &[], &[windows.clone(), cut.clone()]).unwrap();
    assert_eq!(values(&set, "train", "tokens"), [0.0, 1.0, 0.0, 1.0, 0.0]);
    let set = text("abababab", &[], &[cut, windows]).unwrap();
    assert_eq!(set.part("test").unwrap().rows(), 1);
}
