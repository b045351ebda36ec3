//! The IDX reader: images and labels as MNIST has them.
//!
//! The format: two zero bytes, a type code (8 is `u8`), the rank, the sizes as big-endian `u32`, the elements.
use super::arguments::Arguments;
use super::files::Files;
use super::frame::Frame;
use super::{fault, fault_help};
use crate::base::data::DataError;
use crate::base::tensor::{Elements, Tensor};

/// Sizes and elements of one file.
struct Idx {
    sizes: Vec<usize>,
    bytes: Vec<u8>,
    start: usize,
}

impl Idx {
    fn elements(&self) -> &[u8] {
        self.bytes.get(self.start..).unwrap_or_default()
    }
}

/// Reads images, and labels where they are named.
pub(super) fn read(
    files: &Files<'_>,
    paths: &[String],
    _: &Arguments<'_>,
) -> Result<Frame, DataError> {
    match paths {
        [images] => set(files, &[(images, None)]),
        [images, labels] => set(files, &[(images, Some(labels))]),
        [images, labels, test_images, test_labels] => set(
            files,
            &[(images, Some(labels)), (test_images, Some(test_labels))],
        ),
        _ => {
            let message = format!("`idx` is given {} paths and takes 1, 2 or 4", paths.len());
            Err(fault_help(
                message,
                "write idx(\"train-images\", \"train-labels\", \"test-images\", \"test-labels\")",
            ))
        }
    }
}

fn set(files: &Files<'_>, pairs: &[(&String, Option<&String>)]) -> Result<Frame, DataError> {
    let (mut sizes, mut pixels, mut labels) = (Vec::new(), Vec::<f32>::new(), Vec::<i32>::new());
    let mut test_start = None;
    for (turn, (image_path, label_path)) in pairs.iter().enumerate() {
        let images = parse(files.read(image_path)?, image_path, "images")?;
        let inner = image_shape(&images.sizes, image_path)?;
        let count = images.sizes.first().copied().unwrap_or(0);
        if sizes.is_empty() {
            sizes = inner;
        } else if sizes != inner {
            return Err(fault(format!(
                "{image_path}: images of {inner:?}, where the training images have {sizes:?}"
            )));
        }
        files.allow(&[count, sizes.iter().product()], 4, image_path)?;
        if turn == 1 {
            test_start = Some(pixels.len() / sizes.iter().product::<usize>().max(1));
        }
        pixels.extend(
            images
                .elements()
                .iter()
                .map(|&pixel| f32::from(pixel) / 255.0),
        );
        if let Some(label_path) = label_path {
            labels.extend(read_labels(files, label_path, count, image_path)?);
        }
    }
    frame(pairs, sizes, pixels, labels, test_start)
}

fn frame(
    pairs: &[(&String, Option<&String>)],
    sizes: Vec<usize>,
    pixels: Vec<f32>,
    labels: Vec<i32>,
    test_start: Option<usize>,
) -> Result<Frame, DataError> {
    let name = pairs
        .first()
        .map(|(images, _)| images.to_string())
        .unwrap_or_default();
    let rows = pixels.len() / sizes.iter().product::<usize>().max(1);
    let mut frame = Frame::new(name, rows, test_start)?;
    let shape: Vec<usize> = std::iter::once(rows).chain(sizes).collect();
    let x = Tensor::new(shape, Elements::F32(pixels))
        .ok_or_else(|| fault(format!("{}: sizes disagree", frame.name)))?;
    frame.fields.push(("x".to_string(), x));
    if pairs.iter().all(|(_, labels)| labels.is_some()) {
        let classes = labels
            .iter()
            .copied()
            .max()
            .map_or(0, |largest| largest + 1);
        frame.classes.push((
            "y".to_string(),
            (0..classes).map(|class| class.to_string()).collect(),
        ));
        let y = Tensor::new([rows], Elements::I32(labels))
            .ok_or_else(|| fault("label counts disagree"))?;
        frame.fields.push(("y".to_string(), y));
    }
    Ok(frame)
}

/// `[channels, rows, columns]` of images stored with or without channels.
fn image_shape(sizes: &[usize], path: &str) -> Result<Vec<usize>, DataError> {
    match sizes {
        [0, ..] => Err(fault(format!(
            "{path}: the data set is empty: the file holds no image"
        ))),
        [_, rows, columns] if *rows > 0 && *columns > 0 => Ok(vec![1, *rows, *columns]),
        [_, channels, rows, columns] if *channels > 0 && *rows > 0 && *columns > 0 => {
            Ok(vec![*channels, *rows, *columns])
        }
        [_] => Err(fault_help(
            format!("{path}: labels (one dimension) where images are wanted"),
            "the order is idx(images, labels)",
        )),
        sizes => Err(fault(format!(
            "{path}: sizes {sizes:?} are not those of images [n, rows, columns]"
        ))),
    }
}

fn read_labels(
    files: &Files<'_>,
    path: &str,
    images: usize,
    image_path: &str,
) -> Result<Vec<i32>, DataError> {
    let labels = parse(files.read(path)?, path, "labels")?;
    let count = match labels.sizes.as_slice() {
        [count] => *count,
        sizes => {
            let message = format!("{path}: sizes {sizes:?}, where labels [n] are wanted");
            return Err(fault_help(message, "the order is idx(images, labels)"));
        }
    };
    if count != images {
        let more = if count > images { "more" } else { "fewer" };
        let message =
            format!("{path}: {count} labels, {more} than the {images} images of {image_path}");
        return Err(fault_help(
            message,
            "name the label file that belongs to these images",
        ));
    }
    Ok(labels
        .elements()
        .iter()
        .map(|&label| i32::from(label))
        .collect())
}

fn parse(bytes: Vec<u8>, path: &str, what: &str) -> Result<Idx, DataError> {
    let rank = match bytes.as_slice() {
        [0, 0, 8, rank, ..] => usize::from(*rank),
        [0, 0, code, _, ..] if [9, 11, 12, 13, 14].contains(code) => {
            return Err(fault(format!(
                "{path}: elements of type code {code:#04x}; {what} are of u8 (0x08)"
            )));
        }
        [a, b, c, d, ..] => {
            let message = format!(
                "{path}: wrong magic number {a:02x} {b:02x} {c:02x} {d:02x}: this is not an IDX file"
            );
            return Err(fault_help(
                message,
                "an IDX file of u8 starts with 00 00 08 and the rank",
            ));
        }
        short => {
            return Err(fault(format!(
                "{path}: cut off: {} bytes, where the header has at least 4",
                short.len()
            )));
        }
    };
    let start = 4 + 4 * rank;
    let Some(header) = bytes.get(4..start) else {
        return Err(fault(format!(
            "{path}: cut off in the header: {} bytes, where it has {start}",
            bytes.len()
        )));
    };
    let sizes: Vec<usize> = header
        .chunks_exact(4)
        .map(|size| {
            size.iter()
                .fold(0usize, |sum, &byte| (sum << 8) | usize::from(byte))
        })
        .collect();
    let wanted = sizes
        .iter()
        .try_fold(1usize, |product, &size| product.checked_mul(size));
    let given = bytes.len() - start;
    match wanted {
        Some(wanted) if wanted == given => Ok(Idx {
            sizes,
            bytes,
            start,
        }),
        Some(wanted) if wanted < given => Err(fault(format!(
            "{path}: {} bytes follow the {what} of sizes {sizes:?}",
            given - wanted
        ))),
        Some(wanted) => Err(fault_help(
            format!(
                "{path}: cut off: {given} bytes of {what}, where the sizes {sizes:?} need {wanted}"
            ),
            "get the file again",
        )),
        None => Err(fault(format!(
            "{path}: the sizes {sizes:?} are too large for any file"
        ))),
    }
}
