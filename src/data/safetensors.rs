//! Named tensors in files: written as safetensors, read from safetensors or `.npz`.
use super::files::{Files, Policy};
use super::npy::f16_to_f32;
use super::whole::replace;
use super::{fault, fault_help, npy};
use crate::base::data::DataError;
use crate::base::tensor::{Elements, Tensor};
use crate::base::types::DType;
use ::safetensors::tensor::TensorView;
use ::safetensors::{Dtype, SafeTensors};
use std::path::Path;

/// Writes tensors and strings to a file, as a whole or not at all.
///
/// The bytes are a function of the arguments: equal tensors give equal files. They go to a temporary file in the same
/// folder, which takes the name of the old one when all is on the disk.
pub fn save(
    path: impl AsRef<Path>,
    tensors: &[(String, Tensor)],
    metadata: &[(String, String)],
) -> Result<(), DataError> {
    let path = path.as_ref();
    let bytes = serialized(tensors, metadata)
        .map_err(|what| fault(format!("\"{}\" cannot be written: {what}", path.display())))?;
    replace(path, &[&bytes]).map_err(|error| DataError {
        message: format!("\"{}\" cannot be written: {error}", path.display()),
        help: Some("the folder must exist, have room and allow writing".to_string()),
        missing: true,
        stage: None,
    })
}

/// Reads the tensors of a safetensors or `.npz` file, sorted by name. `f16` and `bf16` become `f32`; integers become `i32` where they fit.
pub fn load(path: impl AsRef<Path>) -> Result<Vec<(String, Tensor)>, DataError> {
    load_with_metadata(path).map(|(tensors, _)| tensors)
}

/// What a file holds: named tensors, and named strings.
pub type Contents = (Vec<(String, Tensor)>, Vec<(String, String)>);

/// The same with the strings that `save` was given, sorted by name; a `.npz` file has none.
pub fn load_with_metadata(path: impl AsRef<Path>) -> Result<Contents, DataError> {
    let name = path.as_ref().display().to_string();
    let policy = Policy::without_pipes();
    let files = Files {
        policy: &policy,
        base_dir: "",
    };
    let bytes = files.read(&name)?;
    match bytes.as_slice() {
        [b'P', b'K', ..] => Ok((npy::archive(&files, bytes, &name, true)?, Vec::new())),
        _ => parse(&bytes, &name),
    }
}

fn serialized(
    tensors: &[(String, Tensor)],
    metadata: &[(String, String)],
) -> Result<Vec<u8>, String> {
    let mut views = Vec::new();
    let data: Vec<Vec<u8>> = tensors
        .iter()
        .map(|(_, tensor)| little_endian(tensor))
        .collect();
    for (index, ((name, tensor), bytes)) in tensors.iter().zip(&data).enumerate() {
        if name == "__metadata__"
            || tensors
                .iter()
                .take(index)
                .any(|(earlier, _)| earlier == name)
        {
            return Err(format!(
                "the name `{name}` cannot be used for a tensor, or is used twice"
            ));
        }
        let view = TensorView::new(dtype(tensor.dtype()), tensor.shape().to_vec(), bytes)
            .map_err(|error| error.to_string())?;
        views.push((name.as_str(), view));
    }
    let plain = ::safetensors::serialize(views, None).map_err(|error| error.to_string())?;
    if metadata.is_empty() {
        Ok(plain)
    } else {
        with_metadata(&plain, metadata)
    }
}

/// Puts the strings into the header. The crate would take them from a hash map, whose order changes from run to run.
fn with_metadata(plain: &[u8], metadata: &[(String, String)]) -> Result<Vec<u8>, String> {
    let odd = || "the header is not as the safetensors crate writes it".to_string();
    let length = plain
        .first_chunk::<8>()
        .map(|bytes| u64::from_le_bytes(*bytes) as usize)
        .ok_or_else(odd)?;
    let (header, data) = plain
        .get(8..)
        .and_then(|rest| rest.split_at_checked(length))
        .ok_or_else(odd)?;
    let entries = std::str::from_utf8(header)
        .ok()
        .and_then(|text| text.trim_end().strip_prefix('{'))
        .ok_or_else(odd)?;
    let mut sorted: Vec<&(String, String)> = metadata.iter().collect();
    sorted.sort();
    sorted.dedup_by(|a, b| a.0 == b.0);
    let strings: Vec<String> = sorted
        .iter()
        .map(|(key, value)| format!("{}:{}", json(key), json(value)))
        .collect();
    let comma = if entries == "}" { "" } else { "," };
    let mut header = format!(
        "{{\"__metadata__\":{{{}}}{comma}{entries}",
        strings.join(",")
    );
    header.push_str(&" ".repeat(header.len().next_multiple_of(8) - header.len()));
    let mut bytes = (header.len() as u64).to_le_bytes().to_vec();
    bytes.extend_from_slice(header.as_bytes());
    bytes.extend_from_slice(data);
    // Read back before anything is replaced: a file that cannot be loaded is not written.
    SafeTensors::deserialize(&bytes).map_err(|error| error.to_string())?;
    Ok(bytes)
}

/// A JSON string.
fn json(text: &str) -> String {
    let mut out = String::from("\"");
    for character in text.chars() {
        match character {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            control if control < ' ' => out.push_str(&format!("\\u{:04x}", control as u32)),
            other => out.push(other),
        }
    }
    out.push('"');
    out
}

fn dtype(dtype: DType) -> Dtype {
    match dtype {
        DType::F32 => Dtype::F32,
        DType::F64 => Dtype::F64,
        DType::I32 => Dtype::I32,
        DType::Bool => Dtype::BOOL,
        DType::U8 => Dtype::U8,
    }
}

fn little_endian(tensor: &Tensor) -> Vec<u8> {
    match tensor.elements() {
        Elements::F32(values) => values
            .iter()
            .flat_map(|value| value.to_le_bytes())
            .collect(),
        Elements::F64(values) => values
            .iter()
            .flat_map(|value| value.to_le_bytes())
            .collect(),
        Elements::I32(values) => values
            .iter()
            .flat_map(|value| value.to_le_bytes())
            .collect(),
        Elements::Bool(values) | Elements::U8(values) => values.clone(),
    }
}

fn parse(bytes: &[u8], name: &str) -> Result<Contents, DataError> {
    let damaged = |error: ::safetensors::SafeTensorError| {
        let help = "weights are read from .safetensors and .npz files";
        fault_help(
            format!("{name}: this is not a sound safetensors file ({error})"),
            help,
        )
    };
    let (_, header) = SafeTensors::read_metadata(bytes).map_err(damaged)?;
    let file = SafeTensors::deserialize(bytes).map_err(damaged)?;
    let mut strings: Vec<(String, String)> = header
        .metadata()
        .iter()
        .flatten()
        .map(|(key, value)| (key.clone(), value.clone()))
        .collect();
    strings.sort_unstable();
    let mut tensors = Vec::new();
    for (tensor, view) in file.tensors() {
        let elements =
            elements(&view).map_err(|what| fault(format!("{name}, tensor `{tensor}`: {what}")))?;
        let sized = Tensor::new(view.shape().to_vec(), elements);
        let sized = sized.ok_or_else(|| {
            fault(format!(
                "{name}, tensor `{tensor}`: sizes and elements disagree"
            ))
        })?;
        tensors.push((tensor, sized));
    }
    tensors.sort_unstable_by(|(a, _), (b, _)| a.cmp(b));
    Ok((tensors, strings))
}

/// The chunks of a fixed size.
fn chunks<const N: usize>(data: &[u8]) -> impl Iterator<Item = [u8; N]> + '_ {
    data.chunks_exact(N)
        .filter_map(|chunk| chunk.try_into().ok())
}

fn elements(view: &TensorView<'_>) -> Result<Elements, String> {
    let data = view.data();
    let whole = |values: &mut dyn Iterator<Item = i64>| {
        let checked = values
            .map(|value| i32::try_from(value).map_err(|_| format!("i32 cannot hold {value}")));
        checked
            .collect::<Result<Vec<i32>, String>>()
            .map(Elements::I32)
    };
    // The crate's enumeration is open, so the last arm stands for types it may add.
    match view.dtype() {
        Dtype::F32 => Ok(Elements::F32(
            chunks(data).map(f32::from_le_bytes).collect(),
        )),
        Dtype::F64 => Ok(Elements::F64(
            chunks(data).map(f64::from_le_bytes).collect(),
        )),
        Dtype::F16 => Ok(Elements::F32(
            chunks(data)
                .map(|bytes| f16_to_f32(u16::from_le_bytes(bytes)))
                .collect(),
        )),
        Dtype::BF16 => {
            let widen = |bytes| f32::from_bits(u32::from(u16::from_le_bytes(bytes)) << 16);
            Ok(Elements::F32(chunks(data).map(widen).collect()))
        }
        Dtype::I32 => Ok(Elements::I32(
            chunks(data).map(i32::from_le_bytes).collect(),
        )),
        Dtype::I64 => whole(&mut chunks(data).map(i64::from_le_bytes)),
        Dtype::I16 => whole(&mut chunks(data).map(|bytes| i64::from(i16::from_le_bytes(bytes)))),
        Dtype::I8 => whole(&mut chunks(data).map(|bytes| i64::from(i8::from_le_bytes(bytes)))),
        Dtype::U8 => Ok(Elements::U8(data.to_vec())),
        Dtype::BOOL => Ok(Elements::Bool(
            data.iter().map(|&byte| u8::from(byte != 0)).collect(),
        )),
        other => Err(format!("elements of type {other:?} are not supported")),
    }
}
