//! Files that a running program writes and reads.
use super::error::RunError;
use super::values;
use crate::base::data::DataError;
use crate::base::diagnostic::nearest;
use crate::base::source::Span;
use crate::base::tensor::Tensor;
use crate::base::types::Type;
use crate::data::safetensors;
use crate::data::whole::replace;
use std::path::Path;

/// Writes named tensors, the file as a whole or not at all.
///
/// # Errors
/// Why the file cannot be written.
pub fn save(path: &Path, tensors: &[(String, Tensor)], origin: Span) -> Result<(), RunError> {
    safetensors::save(path, tensors, &[]).map_err(|error| RunError::file(origin, error))
}

/// What was read of a file of weights.
#[derive(Debug)]
pub struct Loaded {
    /// The tensors, in the order in which they are wanted.
    pub tensors: Vec<Tensor>,
    /// The name in the file and the name in the program, where they differ.
    pub renamed: Option<(String, String)>,
}

/// Reads named tensors; each must be there with its sizes and a type that converts without loss of kind. `file` is what messages call it.
/// Where the file holds one instance under another name, and nothing under the name that is wanted, its paths are read with the name replaced.
///
/// # Errors
/// Why the file cannot be read, or which tensor is missing or has another shape.
pub fn load(
    path: &Path,
    file: &str,
    wanted: &[(String, Type)],
    origin: Span,
) -> Result<Loaded, RunError> {
    let mut found = safetensors::load(path).map_err(|error| RunError::file(origin, error))?;
    let renamed = rename_instance(&mut found, wanted);
    let mut tensors = Vec::new();
    for (name, ty) in wanted {
        let Some(at) = found.iter().position(|(other, _)| other == name) else {
            let names: Vec<&str> = found.iter().map(|(name, _)| name.as_str()).collect();
            return Err(RunError::file(origin, missing(file, name, &names)));
        };
        // A name may be wanted once only, so its tensor can be moved out.
        let tensor = found.swap_remove(at).1;
        let converts = tensor.dtype().is_float() == ty.dtype.is_float()
            && values::takes(ty.dtype, tensor.elements());
        if tensor.shape() != ty.shape || !converts {
            return Err(RunError::file(
                origin,
                DataError {
                    message: format!(
                        "\"{file}\" holds `{name}` as {}, the program has it as {ty}",
                        tensor.ty()
                    ),
                    help: Some("load a file that was saved by a model of the same sizes".into()),
                    missing: false,
                    stage: None,
                },
            ));
        }
        tensors.push(tensor);
    }
    Ok(Loaded { tensors, renamed })
}

/// The name of the instance that a path begins with, and the rest.
fn parts(path: &str) -> (&str, &str) {
    path.split_once('.').unwrap_or((path, ""))
}

/// `net.W` becomes `other.W`, where a file holds `net` only, the program wants `other`, and all that it wants is there under that name.
fn rename_instance(
    found: &mut [(String, Tensor)],
    wanted: &[(String, Type)],
) -> Option<(String, String)> {
    let only = |mut names: Vec<&str>| -> Option<String> {
        names.dedup();
        match names.as_slice() {
            [only] => Some((*only).to_string()),
            _ => None,
        }
    };
    let held = only(found.iter().map(|(path, _)| parts(path).0).collect());
    let asked = only(wanted.iter().map(|(path, _)| parts(path).0).collect());
    let (held, asked) = (held?, asked?);
    let all = wanted.iter().all(|(path, _)| {
        let rest = parts(path).1;
        found.iter().any(|(other, _)| parts(other).1 == rest)
    });
    if held == asked || !all {
        return None;
    }
    for (path, _) in found {
        *path = match parts(path).1 {
            "" => asked.clone(),
            rest => format!("{asked}.{rest}"),
        };
    }
    Some((held, asked))
}

fn missing(file: &str, name: &str, names: &[&str]) -> DataError {
    let help = match nearest(name, names.iter().copied()) {
        Some(near) => {
            format!("the file was saved by another model: the nearest it holds is `{near}`")
        }
        None if names.is_empty() => "the file holds no tensors".into(),
        None => format!(
            "it holds {}{}",
            names[..names.len().min(8)].join(", "),
            if names.len() > 8 { ", ..." } else { "" }
        ),
    };
    DataError {
        message: format!("\"{file}\" has no tensor `{name}`"),
        help: Some(help),
        missing: false,
        stage: None,
    }
}

/// Width and height of a drawing, in pixels.
const SIZE: (f64, f64) = (640.0, 400.0);
/// Space for the axes.
const MARGIN: (f64, f64) = (64.0, 32.0);
/// Colours of the lines, in turn.
const COLOURS: [&str; 6] = [
    "#1f77b4", "#ff7f0e", "#2ca02c", "#d62728", "#9467bd", "#8c564b",
];

/// Draws a tensor to an SVG file, which is written as a whole or not at all: a line (rank 1), one line for each row (rank 2), or a number.
///
/// # Errors
/// Why the file cannot be written, or a tensor of a higher rank.
pub fn plot(path: &Path, tensor: &Tensor, origin: Span) -> Result<(), RunError> {
    let rows = match tensor.shape() {
        [] | [_] => 1,
        [rows, _] => *rows,
        more => {
            let message = format!("a tensor of {} dimensions cannot be drawn", more.len());
            return Err(RunError::new(super::error::FILE, origin, message)
                .help("draw a line (1 dimension) or several lines (2 dimensions)"));
        }
    };
    let drawing = drawing(&tensor.to_f64(), rows);
    replace(path, &[drawing.as_bytes()]).map_err(|error| {
        RunError::file(
            origin,
            DataError {
                message: format!("\"{}\" cannot be written: {error}", path.display()),
                help: Some("the folder must exist, have room and allow writing".into()),
                missing: true,
                stage: None,
            },
        )
    })
}

fn drawing(values: &[f64], rows: usize) -> String {
    let finite = || values.iter().copied().filter(|x| x.is_finite());
    let (mut low, mut high) = finite()
        .fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), x| {
            (low.min(x), high.max(x))
        });
    if low > high {
        (low, high) = (0.0, 1.0);
    } else if low == high {
        (low, high) = (low - 0.5, high + 0.5);
    }
    let columns = values.len() / rows.max(1);
    let x = |at: usize| {
        MARGIN.0 + (SIZE.0 - 2.0 * MARGIN.0) * at as f64 / columns.saturating_sub(1).max(1) as f64
    };
    let y =
        |value: f64| SIZE.1 - MARGIN.1 - (SIZE.1 - 2.0 * MARGIN.1) * (value - low) / (high - low);
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{0}\" height=\"{1}\" viewBox=\"0 0 {0} {1}\" font-family=\"sans-serif\" font-size=\"11\">\n<rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n",
        SIZE.0, SIZE.1
    );
    for tick in 0..=4 {
        let value = low + (high - low) * f64::from(tick) / 4.0;
        out += &format!(
            "<line x1=\"{}\" x2=\"{}\" y1=\"{y:.1}\" y2=\"{y:.1}\" stroke=\"#ddd\"/><text x=\"{}\" y=\"{:.1}\" text-anchor=\"end\">{value:.4}</text>\n",
            MARGIN.0,
            SIZE.0 - MARGIN.0,
            MARGIN.0 - 6.0,
            y(value) + 4.0,
            y = y(value)
        );
    }
    for at in [0, columns.saturating_sub(1)] {
        out += &format!(
            "<text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{at}</text>\n",
            x(at),
            SIZE.1 - MARGIN.1 + 16.0
        );
    }
    for (row, line) in values.chunks(columns.max(1)).enumerate() {
        let colour = COLOURS[row % COLOURS.len()];
        let points: Vec<String> = line
            .iter()
            .enumerate()
            .filter(|(_, value)| value.is_finite())
            .map(|(at, &value)| format!("{:.1},{:.1}", x(at), y(value)))
            .collect();
        if let [point] = points.as_slice() {
            let (x, y) = point.split_once(',').unwrap_or(("0", "0"));
            out += &format!("<circle cx=\"{x}\" cy=\"{y}\" r=\"3\" fill=\"{colour}\"/>\n");
        }
        out += &format!(
            "<polyline fill=\"none\" stroke=\"{colour}\" stroke-width=\"1.5\" points=\"{}\"/>\n",
            points.join(" ")
        );
    }
    out + "</svg>\n"
}
