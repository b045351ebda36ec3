//! Named tensors in files.
use super::*;

#[test]
fn safetensors_come_back_as_they_were() {
    let folder = Folder::new();
    let path = folder.0.join("w.safetensors");
    let tensors = vec![
        (
            "a".to_string(),
            Tensor::new(
                [2, 2],
                Elements::F32(vec![1.0, -0.0, f32::MIN_POSITIVE / 2.0, f32::INFINITY]),
            )
            .unwrap(),
        ),
        (
            "b.c".to_string(),
            Tensor::new([1], Elements::F64(vec![0.1])).unwrap(),
        ),
        (
            "d".to_string(),
            Tensor::new([0, 3], Elements::I32(vec![])).unwrap(),
        ),
        (
            "e".to_string(),
            Tensor::new([], Elements::Bool(vec![1])).unwrap(),
        ),
        (
            "f".to_string(),
            Tensor::new([2], Elements::U8(vec![0, 255])).unwrap(),
        ),
    ];
    let strings = vec![
        ("k\"\n".to_string(), "välue \\".to_string()),
        ("a".to_string(), "1".to_string()),
    ];
    safetensors::save(&path, &tensors, &strings).unwrap();
    let (loaded, metadata) = safetensors::load_with_metadata(&path).unwrap();
    assert_eq!(loaded, tensors);
    assert_eq!(metadata, [strings[1].clone(), strings[0].clone()]);
    let first = std::fs::read(&path).unwrap();
    safetensors::save(&path, &tensors, &strings).unwrap();
    assert_eq!(first, std::fs::read(&path).unwrap());
    safetensors::save(&path, &[], &[]).unwrap();
    assert_eq!(safetensors::load(&path).unwrap(), []);
    assert_eq!(
        std::fs::read_dir(&folder.0).unwrap().count(),
        1,
        "no temporary file is left"
    );
}

#[test]
fn unsound_weight_files_are_errors() {
    let folder = Folder::new().with("w", b"12345678901234567890");
    let error = safetensors::load(folder.0.join("w")).unwrap_err();
    assert!(
        error
            .message
            .contains("this is not a sound safetensors file"),
        "{}",
        error.message
    );
    assert!(
        safetensors::load(folder.0.join("none"))
            .unwrap_err()
            .missing
    );
    let error = safetensors::save(folder.0.join("no/w"), &[], &[]).unwrap_err();
    assert!(error.missing && error.message.contains("cannot be written"));
    let twice = [
        ("a".to_string(), Tensor::scalar(1.0)),
        ("a".to_string(), Tensor::scalar(2.0)),
    ];
    assert!(
        safetensors::save(folder.0.join("t"), &twice, &[])
            .unwrap_err()
            .message
            .contains("used twice")
    );
}

#[test]
fn half_floats_of_weight_files_become_f32() {
    let header = r#"{"a":{"dtype":"F16","shape":[1],"data_offsets":[0,2]},"b":{"dtype":"BF16","shape":[1],"data_offsets":[2,4]}}"#;
    let mut bytes = (header.len() as u64).to_le_bytes().to_vec();
    bytes.extend(header.as_bytes());
    bytes.extend([0x00, 0x3e, 0xc0, 0x3f]);
    let folder = Folder::new().with("w", bytes);
    let loaded = safetensors::load(folder.0.join("w")).unwrap();
    assert_eq!(
        (loaded[0].1.as_f32().unwrap(), loaded[1].1.as_f32().unwrap()),
        (&[1.5f32][..], &[1.5f32][..])
    );
}
