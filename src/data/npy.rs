//! The readers of NumPy's files.
//!
//! The format: the magic number `\x93NUMPY`, a version, the length of the header, the header (a Python dictionary
//! with `descr`, `fortran_order` and `shape`), the elements. The header is read here, with bounds, since it says how
//! much memory to take; the ZIP container of `.npz` is read by `zip`, which is built for entries that
//! are stored or deflated, as NumPy writes them.
use super::arguments::Arguments;
use super::files::Files;
use super::frame::Frame;
use super::{fault, fault_help};
use crate::base::data::DataError;
use crate::base::tensor::{Elements, Tensor};
use std::io::Cursor;
use zip::ZipArchive;

/// Longest header; real ones have about 120 bytes.
const LONGEST_HEADER: usize = 65_536;

/// Most dimensions of an array; NumPy itself has no more.
const MOST_DIMENSIONS: usize = 64;

/// Reads one array as `x`.
pub(super) fn read_npy(
    files: &Files<'_>,
    paths: &[String],
    arguments: &Arguments<'_>,
) -> Result<Frame, DataError> {
    let double = wants_f64(arguments)?;
    read_each(files, paths, arguments, &|path| {
        let array = parse(files, &files.read(path)?, path, double)?;
        Ok(vec![("x".to_string(), array)])
    })
}

/// Reads the arrays of an archive under their names.
pub(super) fn read_npz(
    files: &Files<'_>,
    paths: &[String],
    arguments: &Arguments<'_>,
) -> Result<Frame, DataError> {
    let double = wants_f64(arguments)?;
    read_each(files, paths, arguments, &|path| {
        archive(files, files.read(path)?, path, double)
    })
}

/// Reads the files that the path names, one below the other, and those of a test part.
fn read_each(
    files: &Files<'_>,
    paths: &[String],
    arguments: &Arguments<'_>,
    one: &dyn Fn(&str) -> Result<Named, DataError>,
) -> Result<Frame, DataError> {
    let all = |path: &str| {
        let names = files.expand(path)?;
        let (first, others) = names
            .split_first()
            .ok_or_else(|| fault(format!("\"{path}\" names no file")))?;
        let mut fields = one(first)?;
        for other in others {
            let more = one(other)?;
            if let Some((extra, _)) = more.iter().find(|(name, _)| !holds(&fields, name)) {
                return Err(fault(format!(
                    "{other}: the field `{extra}` is not one of {first}"
                )));
            }
            put_below(&mut fields, &more, first, other)?;
        }
        Ok(fields)
    };
    let path = paths.first().map(String::as_str).unwrap_or_default();
    let test = match arguments.text("test")? {
        Some(test) => Some((test, all(test)?)),
        None => None,
    };
    frame(path, all(path)?, test)
}

fn holds(fields: &[(String, Tensor)], name: &str) -> bool {
    fields.iter().any(|(field, _)| field == name)
}

fn wants_f64(arguments: &Arguments<'_>) -> Result<bool, DataError> {
    match arguments.text("dtype")? {
        None | Some("f32") => Ok(false),
        Some("f64") => Ok(true),
        Some(other) => Err(fault(format!(
            "`{}`: `dtype` is \"f32\" or \"f64\", not {other:?}",
            arguments.name
        ))),
    }
}

type Named = Vec<(String, Tensor)>;

/// A frame of these fields; those of a test file are appended below.
fn frame(path: &str, mut fields: Named, test: Option<(&str, Named)>) -> Result<Frame, DataError> {
    let rows = common_rows(path, &fields)?;
    let mut total = rows;
    if let Some((test_path, test_fields)) = test {
        total += common_rows(test_path, &test_fields)?;
        put_below(&mut fields, &test_fields, path, test_path)?;
    }
    let mut frame = Frame::new(path.to_string(), total, (total > rows).then_some(rows))?;
    frame.fields = fields;
    Ok(frame)
}

/// Puts each field of a second file below that of the first.
fn put_below(
    fields: &mut [(String, Tensor)],
    more: &[(String, Tensor)],
    path: &str,
    second: &str,
) -> Result<(), DataError> {
    for (name, tensor) in fields {
        let Some((_, more)) = more.iter().find(|(other, _)| other == name) else {
            return Err(fault(format!(
                "{second}: the field `{name}` of {path} is not there"
            )));
        };
        *tensor = below(tensor, more, name, path, second)?;
    }
    Ok(())
}

/// Most rows of a data set that hold nothing: a file of a few bytes may say that it has any number of them, and each is numbered.
const MOST_EMPTY_ROWS: usize = 1 << 20;

/// The common first dimension of tensors, or an error that names two that disagree.
pub(super) fn common_rows(name: &str, fields: &[(String, Tensor)]) -> Result<usize, DataError> {
    let mut common: Option<(&str, usize)> = None;
    for (field, tensor) in fields {
        let Some(&rows) = tensor.shape().first() else {
            let help = "every field of a data set has its examples along the first dimension";
            return Err(fault_help(
                format!("{name}: `{field}` is a single number"),
                help,
            ));
        };
        match common {
            Some((first, count)) if count != rows => {
                return Err(fault_help(
                    format!("{name}: `{first}` has {count} rows and `{field}` has {rows}"),
                    "the fields of a data set agree in their first dimension",
                ));
            }
            Some(_) => {}
            None => common = Some((field, rows)),
        }
    }
    let hold_nothing = fields.iter().all(|(_, tensor)| tensor.is_empty());
    match common {
        Some((_, rows)) if rows > MOST_EMPTY_ROWS && hold_nothing => Err(fault(format!(
            "{name}: {rows} rows that hold nothing: another dimension is 0"
        ))),
        Some((_, rows)) if rows > 0 => Ok(rows),
        Some(_) => Err(fault(format!(
            "{name}: the data set is empty: its first dimension is 0"
        ))),
        None => Err(fault(format!(
            "{name}: the data set is empty: it has no field"
        ))),
    }
}

/// `more`, of the second file, below `tensor`, of the first.
fn below(
    tensor: &Tensor,
    more: &Tensor,
    name: &str,
    path: &str,
    second: &str,
) -> Result<Tensor, DataError> {
    appended(tensor, more).ok_or_else(|| {
        fault(format!(
            "{second}: `{name}` is {}, which does not go below {} of {path}",
            more.ty(),
            tensor.ty()
        ))
    })
}

/// `more` below `tensor`; `None` where element types or inner sizes differ.
pub(super) fn appended(tensor: &Tensor, more: &Tensor) -> Option<Tensor> {
    if tensor.shape().get(1..) != more.shape().get(1..) {
        return None;
    }
    let mut shape = tensor.shape().to_vec();
    *shape.first_mut()? += more.shape().first()?;
    let elements = match (tensor.elements(), more.elements()) {
        (Elements::F32(a), Elements::F32(b)) => Elements::F32([a.as_slice(), b].concat()),
        (Elements::F64(a), Elements::F64(b)) => Elements::F64([a.as_slice(), b].concat()),
        (Elements::I32(a), Elements::I32(b)) => Elements::I32([a.as_slice(), b].concat()),
        (Elements::Bool(a), Elements::Bool(b)) => Elements::Bool([a.as_slice(), b].concat()),
        (Elements::U8(a), Elements::U8(b)) => Elements::U8([a.as_slice(), b].concat()),
        (
            Elements::F32(_)
            | Elements::F64(_)
            | Elements::I32(_)
            | Elements::Bool(_)
            | Elements::U8(_),
            _,
        ) => return None,
    };
    Tensor::new(shape, elements)
}

/// The arrays of a `.npz` file, sorted by name as the archive may list them in any order.
pub(super) fn archive(
    files: &Files<'_>,
    bytes: Vec<u8>,
    path: &str,
    double: bool,
) -> Result<Named, DataError> {
    let damaged = |error: &dyn std::fmt::Display| {
        fault(format!("{path}: this is not a sound .npz file ({error})"))
    };
    let mut archive = ZipArchive::new(Cursor::new(bytes)).map_err(|error| damaged(&error))?;
    let arrays = archive
        .file_names()
        .filter_map(|file| file.strip_suffix(".npy"));
    let mut names: Vec<String> = arrays.map(str::to_string).collect();
    names.sort_unstable();
    let mut fields = Vec::new();
    let mut total = 0usize;
    for name in names {
        let entry = archive
            .by_name(&format!("{name}.npy"))
            .map_err(|error| damaged(&error))?;
        let place = format!("{path}, array `{name}`");
        let inner = files
            .limited(entry, &place)?
            .map_err(|error| damaged(&error))?;
        let tensor = parse(files, &inner, &place, double)?;
        total = total.saturating_add(tensor.ty().bytes());
        // Many small entries may unpack to as much as one large one.
        files.allow(&[total], 1, path)?;
        fields.push((name, tensor));
    }
    Ok(fields)
}

/// What a header says.
#[derive(Debug, PartialEq)]
struct Header {
    big_endian: bool,
    /// `f`, `i`, `u` or `b`, and the bytes of an element.
    kind: char,
    size: usize,
    fortran: bool,
    shape: Vec<usize>,
}

/// One array as a tensor.
pub(super) fn parse(
    files: &Files<'_>,
    bytes: &[u8],
    place: &str,
    double: bool,
) -> Result<Tensor, DataError> {
    let (header, data) = split_header(bytes, place)?;
    let count = header
        .shape
        .iter()
        .try_fold(1usize, |product, &size| product.checked_mul(size));
    let wanted = count.and_then(|count| count.checked_mul(header.size));
    let (Some(count), Some(wanted)) = (count, wanted) else {
        return Err(fault(format!(
            "{place}: the sizes {:?} are too large for any file",
            header.shape
        )));
    };
    if data.len() < wanted {
        let given = data.len();
        return Err(fault(format!(
            "{place}: cut off: {given} bytes, where the sizes {:?} need {wanted}",
            header.shape
        )));
    }
    if data.len() > wanted {
        return Err(fault(format!(
            "{place}: {} bytes follow the array",
            data.len() - wanted
        )));
    }
    files.allow(&[count], if double { 8 } else { 4 }, place)?;
    let elements = elements(&header, data, place, double)?;
    let elements = if header.fortran {
        reordered(elements, &header.shape)
    } else {
        elements
    };
    Tensor::new(header.shape, elements)
        .ok_or_else(|| fault(format!("{place}: sizes and elements disagree")))
}

fn split_header<'a>(bytes: &'a [u8], place: &str) -> Result<(Header, &'a [u8]), DataError> {
    let cut = || fault(format!("{place}: cut off in the header"));
    let (length, start) = match bytes {
        [0x93, b'N', b'U', b'M', b'P', b'Y', 1, _, a, b, ..] => {
            (usize::from(u16::from_le_bytes([*a, *b])), 10)
        }
        [0x93, b'N', b'U', b'M', b'P', b'Y', 2 | 3, _, a, b, c, d, ..] => {
            (u32::from_le_bytes([*a, *b, *c, *d]) as usize, 12)
        }
        [0x93, b'N', b'U', b'M', b'P', b'Y', ..] => return Err(cut()),
        _ => {
            return Err(fault_help(
                format!("{place}: wrong magic number: this is not a .npy file"),
                "write it with numpy.save",
            ));
        }
    };
    if length > LONGEST_HEADER {
        return Err(fault(format!(
            "{place}: a header of {length} bytes is not one that NumPy writes"
        )));
    }
    let (Some(header), Some(data)) = (
        bytes.get(start..start + length),
        bytes.get(start + length..),
    ) else {
        return Err(cut());
    };
    Ok((header_facts(&String::from_utf8_lossy(header), place)?, data))
}

fn header_facts(header: &str, place: &str) -> Result<Header, DataError> {
    let bad = |what: &str| {
        fault(format!(
            "{place}: the header has no sound `{what}`: {:.80}",
            header.trim()
        ))
    };
    let value = |key: &str| {
        let after = header
            .find(&format!("'{key}'"))
            .and_then(|at| header.get(at + key.len() + 2..));
        after
            .and_then(|after| after.trim_start().strip_prefix(':'))
            .map(str::trim_start)
    };
    let quoted = value("descr").and_then(|text| text.strip_prefix('\''));
    let Some((descr, _)) = quoted.and_then(|text| text.split_once('\'')) else {
        return Err(fault_help(
            format!("{place}: the elements are records or Python objects"),
            "save plain arrays of numbers, one for each field",
        ));
    };
    let mut letters = descr.chars();
    let order = letters.next().ok_or_else(|| bad("descr"))?;
    let kind = letters.next().ok_or_else(|| bad("descr"))?;
    let size = letters.as_str().parse::<usize>().unwrap_or(0);
    let fortran = match value("fortran_order") {
        Some(text) if text.starts_with("True") => true,
        Some(text) if text.starts_with("False") => false,
        Some(_) | None => return Err(bad("fortran_order")),
    };
    let inner = value("shape")
        .and_then(|text| text.strip_prefix('('))
        .and_then(|text| text.split_once(')'));
    let (inner, _) = inner.ok_or_else(|| bad("shape"))?;
    let sizes = inner
        .split(',')
        .map(str::trim)
        .filter(|size| !size.is_empty())
        .map(|size| size.parse::<usize>());
    let shape = sizes
        .collect::<Result<Vec<usize>, _>>()
        .map_err(|_| bad("shape"))?;
    if shape.len() > MOST_DIMENSIONS {
        return Err(fault(format!(
            "{place}: an array of {} dimensions, where NumPy has at most {MOST_DIMENSIONS}",
            shape.len()
        )));
    }
    match (kind, size) {
        ('f', 2 | 4 | 8) | ('i' | 'u', 1 | 2 | 4 | 8) | ('b', 1) => Ok(Header {
            big_endian: order == '>',
            kind,
            size,
            fortran,
            shape,
        }),
        _ => Err(fault_help(
            format!("{place}: elements of type `{descr}` are not supported"),
            "convert with .astype(\"float32\") or .astype(\"int32\") before saving",
        )),
    }
}

/// The bytes of element after element, in little-endian order, extended to eight.
fn words<'a>(header: &Header, data: &'a [u8]) -> impl Iterator<Item = u64> + 'a {
    let big_endian = header.big_endian;
    data.chunks_exact(header.size.max(1)).map(move |chunk| {
        let fold = |word: u64, &byte: &u8| (word << 8) | u64::from(byte);
        if big_endian {
            chunk.iter().fold(0, fold)
        } else {
            chunk.iter().rev().fold(0, fold)
        }
    })
}

fn elements(
    header: &Header,
    data: &[u8],
    place: &str,
    double: bool,
) -> Result<Elements, DataError> {
    let words = words(header, data);
    match (header.kind, header.size) {
        ('f', 2) => Ok(Elements::F32(
            words.map(|word| f16_to_f32(word as u16)).collect(),
        )),
        ('f', 4) => Ok(Elements::F32(
            words.map(|word| f32::from_bits(word as u32)).collect(),
        )),
        ('f', _) if double => Ok(Elements::F64(words.map(f64::from_bits).collect())),
        ('f', _) => Ok(Elements::F32(
            words.map(|word| f64::from_bits(word) as f32).collect(),
        )),
        ('b', _) => Ok(Elements::Bool(
            words.map(|word| u8::from(word != 0)).collect(),
        )),
        ('u', 1) => Ok(Elements::U8(words.map(|word| word as u8).collect())),
        (kind, size) => {
            let shift = 64 - 8 * size as u32;
            let mut out = Vec::with_capacity(data.len() / size.max(1));
            for (at, word) in words.enumerate() {
                // Shifting up and back extends the sign.
                let value = if kind == 'i' {
                    i128::from(((word << shift) as i64) >> shift)
                } else {
                    i128::from(word)
                };
                let Ok(value) = i32::try_from(value) else {
                    return Err(fault_help(
                        format!("{place}: element {at} is {value}, which i32 cannot hold"),
                        "save it as floating-point numbers, or in a smaller range",
                    ));
                };
                out.push(value);
            }
            Ok(Elements::I32(out))
        }
    }
}

/// Column-major elements in row-major order.
fn reordered(elements: Elements, shape: &[usize]) -> Elements {
    fn walk<T: Copy>(values: Vec<T>, shape: &[usize]) -> Vec<T> {
        let mut index = vec![0usize; shape.len()];
        let mut out = Vec::with_capacity(values.len());
        for _ in 0..values.len() {
            let at = index
                .iter()
                .zip(shape)
                .rev()
                .fold(0, |at, (&index, &size)| at * size + index);
            out.extend(values.get(at).copied());
            for (digit, &size) in index.iter_mut().zip(shape).rev() {
                *digit += 1;
                if *digit < size {
                    break;
                }
                *digit = 0;
            }
        }
        out
    }
    match elements {
        Elements::F32(values) => Elements::F32(walk(values, shape)),
        Elements::F64(values) => Elements::F64(walk(values, shape)),
        Elements::I32(values) => Elements::I32(walk(values, shape)),
        Elements::Bool(values) => Elements::Bool(walk(values, shape)),
        Elements::U8(values) => Elements::U8(walk(values, shape)),
    }
}

/// IEEE binary16 as binary32, exactly.
pub(super) fn f16_to_f32(bits: u16) -> f32 {
    let sign = if bits >> 15 == 1 { -1.0 } else { 1.0 };
    let (exponent, fraction) = (i32::from((bits >> 10) & 31), f32::from(bits & 1023));
    match exponent {
        0 => sign * fraction * 2f32.powi(-24),
        31 if fraction == 0.0 => sign * f32::INFINITY,
        31 => f32::NAN,
        _ => sign * (1.0 + fraction / 1024.0) * 2f32.powi(exponent - 15),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_precision_is_read_exactly() {
        let cases = [
            (0x3c00, 1.0),
            (0xc000, -2.0),
            (0x0001, 5.960_464_5e-8),
            (0x7bff, 65504.0),
            (0x3555, 0.333_251_95),
        ];
        for (bits, value) in cases {
            assert_eq!(f16_to_f32(bits), value);
        }
        assert_eq!(f16_to_f32(0xfc00), f32::NEG_INFINITY);
        assert!(f16_to_f32(0x7e00).is_nan());
    }

    #[test]
    fn column_major_becomes_row_major() {
        // numpy: np.asfortranarray([[1, 2, 3], [4, 5, 6]]) is stored as 1 4 2 5 3 6.
        let elements = reordered(Elements::I32(vec![1, 4, 2, 5, 3, 6]), &[2, 3]);
        assert_eq!(elements, Elements::I32(vec![1, 2, 3, 4, 5, 6]));
    }
}
