//! `dlmc predict`: a trained model applied to new rows, which are prepared as the program prepares its own.
mod sequences;
mod shown;
mod unit;

use super::output::Output;
use super::{Choices, Failure, failure_of, read_source};
use crate::base::data::{DataError, DataProvider, DataSet, DataSpec};
use crate::base::diagnostic::nearest;
use crate::base::source::FileId;
use crate::base::tensor::Tensor;
use crate::base::types::DType;
use crate::data::address;
use crate::data::input::Input;
use crate::data::whole::{replace, try_replace};
use crate::data::{FileProvider, MOST_FILE_BYTES};
use crate::engine::{Config, Engine, Error, Program, ProgramOptions, Trainer};
use crate::session::{self, Source};
use crate::syntax::token::{self, Token};
use clap::Args;
use shown::{Format, Predictions};
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

/// Rows that are predicted at once.
const ROWS: usize = 512;

/// What `dlmc predict` is asked.
#[derive(Args)]
#[command(
    after_help = "The model is not trained: its weights come from a file that `save net to \"net.safetensors\"` (or `save_best` of `train`) has\nwritten. What the program does to its data, `standardize` for instance, is done to the new rows too, with the statistics of the\nprogram's own training part; a target that it scales, `standardize(\"y\")`, is answered in the unit of the file."
)]
pub struct Arguments {
    /// The program that declares the model
    file: String,
    /// The trained weights: a .safetensors or .npz file
    #[arg(long, value_name = "FILE")]
    weights: PathBuf,
    /// The rows: a .csv, .jsonl, .parquet, .npy, .npz or IDX file, or a pattern such as `'parts/*.csv'`; a .png or .jpg picture or a folder of them; `-` for CSV from standard input
    #[arg(long, value_name = "FILE")]
    input: String,
    /// Write the predictions to FILE, .csv, .json or .npy, instead of a table to standard output
    #[arg(long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// The layer's instance, by the name that the program binds; needed where there are several
    #[arg(long, value_name = "NAME")]
    model: Option<String>,
    /// Take the numbers of the input as they are
    #[arg(long)]
    raw: bool,
    #[command(flatten)]
    choices: Choices,
}

type Opened = Vec<(DataSpec, Arc<DataSet>)>;

/// Reads a program's data sets, and remembers how they were made.
struct Recording {
    inner: FileProvider,
    opened: Arc<Mutex<Opened>>,
}

impl DataProvider for Recording {
    fn open(&mut self, spec: &DataSpec) -> Result<Arc<DataSet>, DataError> {
        let set = self.inner.open(spec)?;
        let mut opened = self.opened.lock().unwrap_or_else(PoisonError::into_inner);
        if opened.iter().all(|(known, _)| known != spec) {
            opened.push((spec.clone(), set.clone()));
        }
        Ok(set)
    }

    fn source(&mut self, base_dir: &str, path: &str) -> Result<(String, String), DataError> {
        self.inner.source(base_dir, path)
    }
}

/// Says what is wrong with the command or its files.
fn refuse(output: &Output, text: &str, help: Option<&str>, failure: Failure) -> Failure {
    let help = help.map_or(String::new(), |help| format!("help: {help}\n"));
    output.say(&format!("error: {text}\n{help}"));
    failure
}

fn data_failure(output: &Output, error: &DataError) -> Failure {
    let failure = match error.missing {
        true => Failure::Usage,
        false => Failure::Program,
    };
    refuse(output, &error.message, error.help.as_deref(), failure)
}

/// Predicts.
pub(super) fn predict(arguments: &Arguments) -> Result<(), Failure> {
    let output = &Output::new(arguments.choices.appearance);
    let format = match &arguments.output {
        Some(path) => Some((path.as_path(), try_output(path, output)?)),
        None => None,
    };
    if let Some(error) = arguments.weights.to_str().and_then(address) {
        return Err(data_failure(output, &error));
    }
    if let Err(error) = std::fs::File::open(&arguments.weights) {
        let text = format!(
            "the weights \"{}\" cannot be read: {error}",
            arguments.weights.display()
        );
        let help = "train first, with `save net to \"net.safetensors\"` at the end of the program";
        return Err(refuse(output, &text, Some(help), Failure::Usage));
    }
    let source = read_source(&arguments.file, output)?;
    let input = input(arguments, output)?;
    let opened = Arc::default();
    let program = compiled(arguments, &source, &opened, output)?;
    let layer = layer(arguments, &program, output)?;
    let set = learned_from(&opened).filter(|_| !arguments.raw);
    let set = set.as_ref();
    let provider = FileProvider::new();
    let failed = |error| data_failure(output, &error);
    let series = set.map(|(spec, _)| provider.prepared_series(spec, &input));
    let series = series.transpose().map_err(failed)?.flatten();
    let used = names_used(&source.text);
    let predictions = match (series, set) {
        (Some(series), Some((_, data))) => {
            let trainer = trainer(&program, &layer, &arguments.weights, output)?;
            let values = sequences::applied(&trainer, &layer, &series, data, output)?;
            let values = unit::of_the_file(values, set, output);
            Predictions::new(values, set, &used).named(series.key, series.names)
        }
        _ => {
            let rows = provider.prepared(set.map(|(spec, _)| spec), &input);
            let rows = rows.map_err(failed)?;
            let trainer = trainer(&program, &layer, &arguments.weights, output)?;
            let values = applied(&trainer, &layer, &rows, output)?;
            let values = unit::of_the_file(values, set, output);
            Predictions::new(values, set, &used)
        }
    };
    match format {
        None => predictions
            .table()
            .iter()
            .try_for_each(|line| output.line(line)),
        Some((path, format)) => {
            replace(path, &[&predictions.bytes(format)])
                .map_err(|error| unwritten(path, &error, output))?;
            let count = predictions.rows();
            output.note(&format!("{}: {count} predictions\n", path.display()));
            Ok(())
        }
    }
}

fn unwritten(path: &Path, error: &std::io::Error, output: &Output) -> Failure {
    let text = format!("\"{}\" cannot be written: {error}", path.display());
    refuse(output, &text, None, Failure::Usage)
}

/// Looks at the place of the predictions before anything is computed.
fn try_output(path: &Path, output: &Output) -> Result<Format, Failure> {
    let ending = path.extension().and_then(|ending| ending.to_str());
    let format = match ending {
        Some("csv") => Format::Csv,
        Some("json") => Format::Json,
        Some("npy") => Format::Npy,
        Some(_) | None => {
            let text = format!("\"{}\": the kind of file is not known", path.display());
            let help = Some("the name ends in .csv, .json or .npy");
            return Err(refuse(output, &text, help, Failure::Usage));
        }
    };
    try_replace(path).map_err(|error| unwritten(path, &error, output))?;
    Ok(format)
}

fn input(arguments: &Arguments, output: &Output) -> Result<Input, Failure> {
    if arguments.input != "-" {
        return Ok(Input::File(arguments.input.clone()));
    }
    if arguments.file == "-" {
        let text = "the program and its input cannot both come from standard input";
        return Err(refuse(output, text, None, Failure::Usage));
    }
    let mut text = String::new();
    let stream = std::io::stdin().lock();
    match stream.take(MOST_FILE_BYTES + 1).read_to_string(&mut text) {
        Ok(length) if length as u64 > MOST_FILE_BYTES => {
            let text = format!("standard input holds more than {MOST_FILE_BYTES} bytes");
            let help = Some("divide it into smaller parts");
            Err(refuse(output, &text, help, Failure::Program))
        }
        Ok(_) => Ok(Input::Text {
            name: session::STDIN.into(),
            text,
        }),
        Err(error) => {
            let text = format!("standard input cannot be read as text: {error}");
            Err(refuse(output, &text, None, Failure::Usage))
        }
    }
}

fn compiled(
    arguments: &Arguments,
    source: &Source,
    opened: &Arc<Mutex<Opened>>,
    output: &Output,
) -> Result<Program, Failure> {
    let settings = arguments.choices.settings(&[]);
    let config = Config {
        threads: settings.threads,
        folder: None,
        cpu: settings.cpu,
    };
    let options = ProgramOptions {
        name: source.name.clone(),
        base_dir: source.base_dir.clone(),
        hypers: settings.hypers,
        seed: settings.seed,
        ..ProgramOptions::default()
    };
    let loader = Recording {
        inner: FileProvider::new(),
        opened: opened.clone(),
    };
    let engine = Engine::new(config).map_err(|error| engine_failure(output, &error))?;
    engine
        .compile(&source.text, options, loader)
        .map_err(|error| engine_failure(output, &error))
}

fn engine_failure(output: &Output, error: &Error) -> Failure {
    match error {
        Error::Program {
            diagnostics,
            sources,
            ..
        } => {
            for diagnostic in diagnostics {
                output.diagnostic(diagnostic, sources);
            }
            failure_of(diagnostics)
        }
        Error::Run {
            diagnostic,
            sources,
            ..
        }
        | Error::NonFinite {
            diagnostic,
            sources,
            ..
        } => {
            output.diagnostic(diagnostic, sources);
            Failure::Program
        }
        Error::Value(_) | Error::Unknown(_) | Error::File(_) | Error::Internal(_) => {
            refuse(output, &error.to_string(), None, Failure::Program)
        }
    }
}

/// The instance that is applied: the only one that has parameters, or the one named.
fn layer(arguments: &Arguments, program: &Program, output: &Output) -> Result<String, Failure> {
    let mut names: Vec<String> = Vec::new();
    for (path, _) in program.parameters() {
        let root = path.split('.').next().unwrap_or_default().to_string();
        if !names.contains(&root) {
            names.push(root);
        }
    }
    let listed = names.join("`, `");
    match (&arguments.model, names.as_slice()) {
        (Some(name), _) if names.contains(name) => Ok(name.clone()),
        (Some(name), _) => {
            let near = nearest(name, names.iter().map(String::as_str));
            let help = match near {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("the program has `{listed}`"),
            };
            let text = format!("the program has no model `{name}` with parameters");
            Err(refuse(output, &text, Some(&help), Failure::Usage))
        }
        (None, [only]) => Ok(only.clone()),
        (None, []) => {
            let text = format!(
                "\"{}\" has no model: no layer is applied in it",
                arguments.file
            );
            Err(refuse(output, &text, None, Failure::Program))
        }
        (None, _) => {
            let text = format!("the program has several models: `{listed}`");
            let help = format!("choose one: --model {}", names.first().map_or("", |n| n));
            Err(refuse(output, &text, Some(&help), Failure::Usage))
        }
    }
}

/// The data set that the model learns from: the first with a field `x`. It is copied out of the lock, as each model that is made of
/// the program later reads the program's data again, which locks too.
fn learned_from(opened: &Mutex<Opened>) -> Option<(DataSpec, Arc<DataSet>)> {
    let opened = opened.lock().unwrap_or_else(PoisonError::into_inner);
    let found = opened.iter().find(|(_, set)| {
        let mut tables = set.parts.iter().map(|(_, table)| table);
        tables.any(|table| table.field("x").is_some())
    });
    found.cloned()
}

fn trainer(
    program: &Program,
    layer: &str,
    weights: &Path,
    output: &Output,
) -> Result<Trainer, Failure> {
    let mut trainer = program
        .trainer()
        .map_err(|error| engine_failure(output, &error))?;
    trainer.load_layer(layer, weights).map_err(|error| {
        let text = match &error {
            // A reader's message names the file already.
            Error::File(text) => text.clone(),
            other => format!("\"{}\": {other}", weights.display()),
        };
        let help = format!(
            "the weights are those of this program and these settings: `save {layer} to \"{}\"`",
            weights.display()
        );
        refuse(output, &text, Some(&help), Failure::Program)
    })?;
    Ok(trainer)
}

/// Applies the layer to all rows, some hundred at a time.
fn applied(
    trainer: &Trainer,
    layer: &str,
    rows: &Tensor,
    output: &Output,
) -> Result<Tensor, Failure> {
    let shape = rows.shape();
    let count = shape.first().copied().unwrap_or(0);
    let inner = shape.get(1..).unwrap_or_default();
    let width: usize = inner.iter().product();
    let input: Vec<f32> = rows.to_f64().into_iter().map(|x| x as f32).collect();
    let mut values: Vec<f32> = Vec::new();
    let mut out_shape = vec![count];
    let mut at = 0;
    while at < count {
        // Rows of one size are done by one model; the last ones, which may be fewer, by another.
        let size = ROWS.min(count - at);
        let sizes: Vec<usize> = std::iter::once(size).chain(inner.iter().copied()).collect();
        let model = trainer
            .model(layer, &sizes)
            .map_err(|error| model_failure(output, layer, inner, &error))?;
        out_shape = std::iter::once(count)
            .chain(model.output_shape().iter().skip(1).copied())
            .collect();
        if model.output_shape().first() != Some(&size) {
            let text = format!("`{layer}` gives no row for each row of its input");
            return Err(refuse(output, &text, None, Failure::Program));
        }
        let mut part = vec![0.0; model.output_shape().iter().product()];
        while count - at >= size {
            let chunk = input
                .get(at * width..(at + size) * width)
                .unwrap_or_default();
            let done = match model.input_type() {
                DType::I32 => model.predict_tokens(&tokens(chunk, output)?, &mut part),
                _ => model.predict(chunk, &mut part),
            };
            done.map_err(|error| engine_failure(output, &error))?;
            values.extend_from_slice(&part);
            at += size;
        }
    }
    Tensor::new(out_shape, crate::base::tensor::Elements::F32(values))
        .ok_or_else(|| refuse(output, "the model's sizes disagree", None, Failure::Program))
}

/// Numbers as tokens.
fn tokens(chunk: &[f32], output: &Output) -> Result<Vec<i32>, Failure> {
    let whole = |&x: &f32| (x.fract() == 0.0 && x.abs() < 16_777_216.0).then_some(x as i32);
    let tokens: Option<Vec<i32>> = chunk.iter().map(whole).collect();
    tokens.ok_or_else(|| {
        let text = "the model takes tokens, and the input holds numbers that are not whole";
        refuse(output, text, None, Failure::Program)
    })
}

fn model_failure(output: &Output, layer: &str, inner: &[usize], error: &Error) -> Failure {
    let Error::Program { diagnostics, .. } = error else {
        return engine_failure(output, error);
    };
    // The places of these messages lie in the text that applies the layer, which nobody has written.
    let why = diagnostics.first().map_or("", |d| d.message.as_str());
    let text = format!("`{layer}` does not take rows of the sizes {inner:?}: {why}");
    let help = "each row of the input is one example, of the width that the model was trained with";
    refuse(output, &text, Some(help), Failure::Program)
}

/// The names that stand in a program.
fn names_used(text: &str) -> Vec<String> {
    let stream = token::tokens(text, FileId::default()).stream;
    let names = stream.into_iter().filter_map(|(_, token, _)| match token {
        Token::Ident(name) => Some(name.to_string()),
        _ => None,
    });
    names.collect()
}
