//! Tests of whole pipes on tiny files.
use super::*;
use crate::base::data::{DataOption, DataSource, Transform};
use crate::base::tensor::{Elements, Tensor};
use crate::base::types::DType;
use std::sync::atomic::{AtomicU32, Ordering};

mod access;
#[cfg(feature = "parquet")]
mod columnar;
mod extremes;
mod formats;
mod parts;
#[cfg(feature = "images")]
mod pictures;
mod random;
mod records;
mod tables;
mod weights;

/// A folder that is removed at the end of its test.
pub(super) struct Folder(pub(super) PathBuf);

impl Folder {
    pub(super) fn new() -> Folder {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("dlmc-data-{}-{number}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        Folder(path.canonicalize().unwrap())
    }

    fn with(self, name: &str, bytes: impl AsRef<[u8]>) -> Folder {
        std::fs::write(self.0.join(name), bytes).unwrap();
        self
    }

    fn text(&self) -> String {
        self.0.display().to_string()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn number(value: f64) -> DataOption {
    DataOption::Number(value)
}

fn string(value: &str) -> DataOption {
    DataOption::Text(value.to_string())
}

/// `name(a, b, key = value)`.
fn step(name: &str, arguments: &[DataOption], options: &[(&str, DataOption)]) -> Transform {
    let options = options
        .iter()
        .map(|(name, value)| (name.to_string(), value.clone()))
        .collect();
    Transform {
        name: name.to_string(),
        arguments: arguments.to_vec(),
        options,
    }
}

fn reader(name: &str, paths: &[&str], options: &[(&str, DataOption)]) -> DataSource {
    DataSource::Reader {
        name: name.to_string(),
        paths: paths.iter().map(|path| path.to_string()).collect(),
        options: options
            .iter()
            .map(|(name, value)| (name.to_string(), value.clone()))
            .collect(),
    }
}

fn open(
    folder: &Folder,
    source: DataSource,
    transforms: &[Transform],
) -> Result<Arc<DataSet>, DataError> {
    FileProvider::new().open(&DataSpec {
        source,
        transforms: transforms.to_vec(),
        base_dir: folder.text(),
    })
}

fn csv(text: &str, transforms: &[Transform]) -> Result<Arc<DataSet>, DataError> {
    open(
        &Folder::new().with("a.csv", text),
        reader("csv", &["a.csv"], &[]),
        transforms,
    )
}

fn field(set: &DataSet, part: &str, name: &str) -> Tensor {
    set.part(part).unwrap().field(name).unwrap().clone()
}

fn values(set: &DataSet, part: &str, name: &str) -> Vec<f64> {
    field(set, part, name).to_f64()
}

/// Message and help of an expected error.
fn failure(outcome: Result<Arc<DataSet>, DataError>) -> (String, String) {
    let error = outcome.expect_err("an error");
    (error.message, error.help.unwrap_or_default())
}

fn message(outcome: Result<Arc<DataSet>, DataError>) -> String {
    failure(outcome).0
}

const FLOWERS: &str = "length,width,species\n1,2,b\n3,4,a\n5,6,b\n";

fn counted(rows: usize) -> DataSource {
    let x = Tensor::new(
        [rows, 1],
        Elements::F32((0..rows).map(|row| row as f32).collect()),
    )
    .unwrap();
    let y = Tensor::new(
        [rows],
        Elements::I32((0..rows).map(|row| i32::from(row % 10 == 0)).collect()),
    )
    .unwrap();
    DataSource::Tensors(vec![("x".to_string(), x), ("y".to_string(), y)])
}

fn idx_images(count: u32) -> Vec<u8> {
    let mut bytes = vec![0, 0, 8, 3];
    for size in [count, 2, 2] {
        bytes.extend(size.to_be_bytes());
    }
    bytes.extend((0..count * 4).map(|pixel| (pixel * 51 % 256) as u8));
    bytes
}

fn idx_labels(labels: &[u8]) -> Vec<u8> {
    let mut bytes = vec![0, 0, 8, 1];
    bytes.extend((labels.len() as u32).to_be_bytes());
    bytes.extend(labels);
    bytes
}

fn npy(descr: &str, fortran: &str, shape: &str, data: &[u8]) -> Vec<u8> {
    let header =
        format!("{{'descr': '{descr}', 'fortran_order': {fortran}, 'shape': {shape}, }}\n");
    let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
    bytes.extend((header.len() as u16).to_le_bytes());
    bytes.extend(header.as_bytes());
    bytes.extend(data);
    bytes
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    std::io::Write::write_all(&mut encoder, bytes).unwrap();
    encoder.finish().unwrap()
}

/// A ZIP archive of stored entries.
fn zip(entries: &[(&str, Vec<u8>)]) -> Vec<u8> {
    let (mut out, mut directory) = (Vec::new(), Vec::new());
    for (name, data) in entries {
        let mut crc = flate2::Crc::new();
        crc.update(data);
        let mut common = vec![20, 0, 0, 0, 0, 0, 0, 0, 0, 0];
        common.extend(crc.sum().to_le_bytes());
        common.extend((data.len() as u32).to_le_bytes());
        common.extend((data.len() as u32).to_le_bytes());
        common.extend((name.len() as u16).to_le_bytes());
        common.extend([0, 0]);
        directory.extend(b"PK\x01\x02\x14\x00");
        directory.extend(&common);
        directory.extend([0; 10]);
        directory.extend((out.len() as u32).to_le_bytes());
        directory.extend(name.as_bytes());
        out.extend(b"PK\x03\x04");
        out.extend(common);
        out.extend(name.as_bytes());
        out.extend(data);
    }
    let start = out.len() as u32;
    out.extend(&directory);
    out.extend(b"PK\x05\x06\x00\x00\x00\x00");
    out.extend((entries.len() as u16).to_le_bytes());
    out.extend((entries.len() as u16).to_le_bytes());
    out.extend((directory.len() as u32).to_le_bytes());
    out.extend(start.to_le_bytes());
    out.extend([0, 0]);
    out
}

#[test]
fn programs_may_name_every_reader_and_transform() {
    let readers: Vec<&str> = readers::READERS.iter().map(|row| row.name).collect();
    assert_eq!(readers, crate::base::data::READER_NAMES);
    let transforms: Vec<&str> = transforms::TRANSFORMS.iter().map(|row| row.name).collect();
    assert_eq!(transforms, crate::base::data::TRANSFORM_NAMES);
}
