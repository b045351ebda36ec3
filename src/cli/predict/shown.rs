//! Predictions as a table, and as files.
use crate::base::data::{DataOption, DataSet, DataSpec};
use crate::base::tensor::Tensor;
use crate::cli::output::visible;
use std::sync::Arc;

/// Most numbers of a row that the table shows.
const MOST_SHOWN: usize = 8;

/// A kind of file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    Csv,
    Json,
    Npy,
}

/// What the numbers of a row mean.
#[derive(Debug, Clone, PartialEq)]
enum Meaning {
    /// Scores of classes; probabilities where the model is trained with a cross entropy.
    Classes { names: Vec<String>, softmax: bool },
    /// One logit of the second of two classes.
    Binary { names: [String; 2] },
    /// Numbers.
    Numbers,
}

/// What a model gives for each row.
pub struct Predictions {
    values: Tensor,
    meaning: Meaning,
    /// What is predicted, by the column's name.
    target: String,
    /// The column that names the rows, and their names.
    names: Option<(String, Vec<String>)>,
}

impl Predictions {
    /// Finds out what the numbers mean: from the classes of the data set, and from the losses that the program names.
    pub fn new(
        values: Tensor,
        set: Option<&(DataSpec, Arc<DataSet>)>,
        used: &[String],
    ) -> Predictions {
        let uses = |names: &[&str]| used.iter().any(|name| names.contains(&name.as_str()));
        let softmax = uses(&["cross_entropy", "nll", "soft_cross_entropy"]);
        let binary = uses(&["binary_cross_entropy", "bce"]);
        let classes = set.and_then(|(_, set)| {
            let found = set.classes.iter().find(|(field, _)| field == "y");
            found.map(|(_, names)| names.clone())
        });
        let meaning = match (width(&values), classes) {
            (k, Some(names)) if names.len() == k && k > 1 && values.shape().len() == 2 => {
                Meaning::Classes { names, softmax }
            }
            (k, None) if softmax && k > 1 && values.shape().len() == 2 => Meaning::Classes {
                names: (0..k).map(|class| class.to_string()).collect(),
                softmax,
            },
            (1, names) if binary => Meaning::Binary {
                names: names
                    .and_then(|names| names.try_into().ok())
                    .unwrap_or_else(|| ["0".into(), "1".into()]),
            },
            (_, _) => Meaning::Numbers,
        };
        let target = set.and_then(|(spec, _)| target(spec));
        let default = match meaning {
            Meaning::Numbers => "prediction",
            Meaning::Classes { .. } | Meaning::Binary { .. } => "class",
        };
        Predictions {
            values,
            meaning,
            target: target.unwrap_or_else(|| default.into()),
            names: None,
        }
    }

    /// The same of sequences, which have names: the keys of a column.
    pub fn named(self, column: String, names: Vec<String>) -> Predictions {
        Predictions {
            names: Some((column, names)),
            ..self
        }
    }

    /// The name of a row, with the column of the names.
    fn name(&self, row: usize) -> Option<(&str, &str)> {
        let (column, names) = self.names.as_ref()?;
        names.get(row).map(|name| (column.as_str(), name.as_str()))
    }

    /// How many.
    pub fn rows(&self) -> usize {
        self.values.shape().first().copied().unwrap_or(0)
    }

    fn row(&self, row: usize) -> Vec<f64> {
        let width = width(&self.values);
        let at = row * width..(row + 1) * width;
        at.map(|at| self.values.get(at).unwrap_or(f64::NAN))
            .collect()
    }

    /// The class and its probability, where there are classes.
    fn class(&self, row: &[f64]) -> Option<(&str, Option<f64>)> {
        match &self.meaning {
            Meaning::Classes { names, softmax } => {
                let best = (0..row.len())
                    .reduce(|best, at| if row[at] > row[best] { at } else { best })?;
                let probability = softmax.then(|| probabilities(row)[best]);
                names.get(best).map(|name| (name.as_str(), probability))
            }
            Meaning::Binary { names } => {
                let p = 1.0 / (1.0 + (-row.first()?).exp());
                let (name, p) = if p > 0.5 {
                    (&names[1], p)
                } else {
                    (&names[0], 1.0 - p)
                };
                Some((name, Some(p)))
            }
            Meaning::Numbers => None,
        }
    }

    /// A line for each row, below one of names.
    pub fn table(&self) -> Vec<String> {
        let mut cells: Vec<Vec<String>> = vec![self.heads()];
        for row in 0..self.rows() {
            let numbers = self.row(row);
            let mut line = vec![match self.name(row) {
                Some((_, name)) => visible(name),
                None => (row + 1).to_string(),
            }];
            match self.class(&numbers) {
                Some((name, probability)) => {
                    line.push(visible(name));
                    line.extend(probability.map(|p| format!("{p:.4}")));
                }
                None => {
                    line.extend(numbers.iter().take(MOST_SHOWN).map(|x| number(*x)));
                    line.extend((numbers.len() > MOST_SHOWN).then(|| "...".to_string()));
                }
            }
            cells.push(line);
        }
        aligned(&cells, self.meaning != Meaning::Numbers)
    }

    fn heads(&self) -> Vec<String> {
        let column = self.names.as_ref().map(|(column, _)| visible(column));
        let mut heads = vec![column.unwrap_or_else(|| "row".into())];
        let target = visible(&self.target);
        match &self.meaning {
            Meaning::Classes { softmax: false, .. } => heads.push(target),
            Meaning::Classes { softmax: true, .. } | Meaning::Binary { .. } => {
                heads.extend([target, "probability".to_string()]);
            }
            Meaning::Numbers => {
                let width = width(&self.values);
                let several = (0..width.min(MOST_SHOWN)).map(|at| format!("{target}[{at}]"));
                match width {
                    1 => heads.push(target.clone()),
                    _ => heads.extend(several),
                }
                heads.extend((width > MOST_SHOWN).then(|| "...".to_string()));
            }
        }
        heads
    }

    /// The content of a file.
    pub fn bytes(&self, format: Format) -> Vec<u8> {
        match format {
            Format::Csv => self.csv().into_bytes(),
            Format::Json => self.json().into_bytes(),
            Format::Npy => npy(&self.values),
        }
    }

    /// The names of the numbers of a row, and the numbers themselves as they are written.
    fn columns(&self, row: &[f64]) -> Vec<(String, f64)> {
        match &self.meaning {
            Meaning::Classes { names, softmax } => {
                let values = match softmax {
                    true => probabilities(row),
                    false => row.to_vec(),
                };
                names.iter().cloned().zip(values).collect()
            }
            Meaning::Binary { names } => {
                let p = row.first().map_or(f64::NAN, |x| 1.0 / (1.0 + (-x).exp()));
                vec![(names[0].clone(), 1.0 - p), (names[1].clone(), p)]
            }
            Meaning::Numbers if row.len() == 1 => vec![(self.target.clone(), row[0])],
            Meaning::Numbers => row
                .iter()
                .enumerate()
                .map(|(at, &x)| (format!("{}[{at}]", self.target), x))
                .collect(),
        }
    }

    fn csv(&self) -> String {
        let classes = self.meaning != Meaning::Numbers;
        let mut out = String::new();
        for row in 0..self.rows() {
            let numbers = self.row(row);
            let columns = self.columns(&numbers);
            let class = self.class(&numbers).map(|(name, _)| name);
            if row == 0 {
                let names = columns.iter().map(|(name, _)| match classes {
                    true => cell(&format!("p({name})")),
                    false => cell(name),
                });
                let column = self.names.as_ref().map(|(column, _)| cell(column));
                let heads: Vec<String> = column
                    .into_iter()
                    .chain(class.map(|_| cell(&self.target)))
                    .chain(names)
                    .collect();
                out += &format!("{}\n", heads.join(","));
            }
            let numbers = columns.iter().map(|(_, x)| format!("{}", *x as f32));
            let name = self.name(row).map(|(_, name)| cell(name));
            let cells: Vec<String> = name
                .into_iter()
                .chain(class.map(cell))
                .chain(numbers)
                .collect();
            out += &format!("{}\n", cells.join(","));
        }
        out
    }

    fn json(&self) -> String {
        let rows = (0..self.rows()).map(|row| {
            let numbers = self.row(row);
            let columns = self.columns(&numbers);
            let value = |x: f64| serde_json::json!(x as f32);
            let mut object = serde_json::Map::new();
            if let Some((column, name)) = self.name(row) {
                object.insert(column.into(), name.into());
            }
            match self.class(&numbers) {
                Some((name, probability)) => {
                    object.insert("class".into(), name.into());
                    if let Some(p) = probability {
                        object.insert("probability".into(), value(p));
                    }
                    let all = columns.into_iter().map(|(name, x)| (name, value(x)));
                    let key = match probability {
                        Some(_) => "probabilities",
                        None => "scores",
                    };
                    object.insert(key.into(), serde_json::Value::Object(all.collect()));
                }
                None => {
                    let values: Vec<_> = numbers.into_iter().map(value).collect();
                    object.insert("values".into(), values.into());
                }
            }
            format!("  {}", serde_json::Value::Object(object))
        });
        let rows: Vec<String> = rows.collect();
        format!("[\n{}\n]\n", rows.join(",\n"))
    }
}

/// Numbers in a row.
fn width(values: &Tensor) -> usize {
    values.shape().iter().skip(1).product()
}

/// The softmax of a row. Of log-probabilities it is their exponential.
fn probabilities(row: &[f64]) -> Vec<f64> {
    let most = row.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let e: Vec<f64> = row.iter().map(|x| (x - most).exp()).collect();
    let sum: f64 = e.iter().sum();
    e.into_iter().map(|x| x / sum).collect()
}

/// The column that the program learns to predict, where it is one.
fn target(spec: &DataSpec) -> Option<String> {
    let sequences = spec.transforms.iter().find(|t| t.name == "sequences");
    let of_sequences = sequences.and_then(|transform| {
        let mut options = transform.options.iter();
        options.find(|(name, _)| name == "target")
    });
    if let Some((_, DataOption::Text(name))) = of_sequences {
        return Some(name.clone());
    }
    let transform = spec.transforms.iter().find(|t| t.name == "target")?;
    match transform.arguments.as_slice() {
        [DataOption::Text(name)] => Some(name.clone()),
        _ => None,
    }
}

/// A number with six digits at most.
fn number(x: f64) -> String {
    match x.abs() {
        0.0 => "0".into(),
        size if (1e-3..1e6).contains(&size) => format!("{x:.4}"),
        _ => format!("{x:.4e}"),
    }
}

/// A cell of a CSV file.
fn cell(text: &str) -> String {
    match text.contains([',', '"', '\n', '\r']) {
        true => format!("\"{}\"", text.replace('"', "\"\"")),
        false => text.to_string(),
    }
}

/// Cells below one another: numbers to the right, the names of classes to the left.
fn aligned(cells: &[Vec<String>], classes: bool) -> Vec<String> {
    let columns = cells.first().map_or(0, Vec::len);
    let width = |at: usize| {
        let lengths = cells.iter().filter_map(|row| row.get(at));
        lengths.map(|cell| cell.chars().count()).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..columns).map(width).collect();
    let line = |row: &Vec<String>| {
        let cells = row.iter().zip(&widths).enumerate();
        let shown: Vec<String> = cells
            .map(|(at, (cell, &width))| match at == 1 && classes {
                true => format!("{cell:<width$}"),
                false => format!("{cell:>width$}"),
            })
            .collect();
        shown.join("  ").trim_end().to_string()
    };
    cells.iter().map(line).collect()
}

/// An array of 32-bit floats as NumPy's format 1.0 has it.
fn npy(values: &Tensor) -> Vec<u8> {
    let sizes: Vec<String> = values.shape().iter().map(usize::to_string).collect();
    let comma = if sizes.len() == 1 { "," } else { "" };
    let mut header = format!(
        "{{'descr': '<f4', 'fortran_order': False, 'shape': ({}{comma}), }}",
        sizes.join(", ")
    );
    // The elements begin at a multiple of 64 bytes, behind the magic number, the version and the length.
    let length = (10 + header.len() + 1).next_multiple_of(64) - 10;
    header += &" ".repeat(length - header.len() - 1);
    header.push('\n');
    let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
    bytes.extend((length as u16).to_le_bytes());
    bytes.extend(header.as_bytes());
    let numbers = values.to_f64();
    bytes.extend(numbers.into_iter().flat_map(|x| (x as f32).to_le_bytes()));
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::tensor::Elements;

    fn predictions(shape: &[usize], values: &[f32], used: &[&str]) -> Predictions {
        let tensor = Tensor::new(shape, Elements::F32(values.to_vec())).expect("a tensor");
        let used: Vec<String> = used.iter().map(|name| name.to_string()).collect();
        Predictions::new(tensor, None, &used)
    }

    #[test]
    fn classes_are_numbered_where_they_have_no_names() {
        let found = predictions(&[2, 3], &[0.0, 1.0, 0.0, 9.0, 0.0, 0.0], &["cross_entropy"]);
        let table = found.table();
        assert_eq!(table[0], "row  class  probability");
        assert_eq!(table[1], "  1  1           0.5761");
        assert!(found.csv().starts_with("class,p(0),p(1),p(2)\n1,0.21194"));
        assert!(found.json().contains("\"class\":\"0\""), "{}", found.json());
    }

    #[test]
    fn one_logit_is_a_probability_of_the_second_class() {
        let found = predictions(&[2], &[-2.0, 2.0], &["bce"]);
        assert_eq!(found.table()[1], "  1  0           0.8808");
        assert_eq!(found.table()[2], "  2  1           0.8808");
    }

    #[test]
    fn numbers_are_numbers() {
        let found = predictions(&[2, 2], &[1.0, 2e-9, -3.5, 0.0], &["mse"]);
        assert_eq!(found.table()[0], "row  prediction[0]  prediction[1]");
        assert_eq!(found.table()[1], "  1         1.0000      2.0000e-9");
        assert_eq!(
            found.csv(),
            "prediction[0],prediction[1]\n1,0.000000002\n-3.5,0\n"
        );
        let bytes = found.bytes(Format::Npy);
        assert_eq!(bytes.len(), 128 + 16);
        assert!(String::from_utf8_lossy(&bytes[..80]).contains("'shape': (2, 2), }"));
        assert_eq!(cell("a,\"b\""), "\"a,\"\"b\"\"\"");
    }
}
