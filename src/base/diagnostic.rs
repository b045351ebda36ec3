//! What the compiler says about a program: a code, a sentence, labelled places, a mend.
use super::source::Span;

/// How grave a diagnostic is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// The program runs all the same.
    Warning,
    /// The program does not run.
    Error,
}

/// A place and what is said of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Label {
    /// The place.
    pub span: Span,
    /// What is said of it; may be empty.
    pub text: String,
}

/// One message about a program. The first label is the primary place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostic {
    /// How grave it is.
    pub severity: Severity,
    /// A stable code, `E0101` for example; 01xx syntax, 02xx names, 03xx shapes and types, 04xx use of the language, 05xx data, 06xx run time.
    pub code: &'static str,
    /// One sentence, without a full stop.
    pub message: String,
    /// The places, the primary one first.
    pub labels: Vec<Label>,
    /// How to mend it, one line.
    pub help: Option<String>,
    /// Further facts, one line each (for example the call inside the standard library that led here).
    pub notes: Vec<String>,
}

impl Diagnostic {
    /// An error with its primary place.
    pub fn error(code: &'static str, span: Span, message: impl Into<String>) -> Diagnostic {
        Diagnostic {
            severity: Severity::Error,
            code,
            message: message.into(),
            labels: vec![Label {
                span,
                text: String::new(),
            }],
            help: None,
            notes: Vec::new(),
        }
    }

    /// The same as a warning.
    pub fn warning(code: &'static str, span: Span, message: impl Into<String>) -> Diagnostic {
        Diagnostic {
            severity: Severity::Warning,
            ..Diagnostic::error(code, span, message)
        }
    }

    /// Sets the text at the primary place.
    pub fn here(mut self, text: impl Into<String>) -> Diagnostic {
        if let Some(first) = self.labels.first_mut() {
            first.text = text.into();
        }
        self
    }

    /// Adds a further place.
    pub fn label(mut self, span: Span, text: impl Into<String>) -> Diagnostic {
        self.labels.push(Label {
            span,
            text: text.into(),
        });
        self
    }

    /// Sets the mend.
    pub fn help(mut self, text: impl Into<String>) -> Diagnostic {
        self.help = Some(text.into());
        self
    }

    /// Adds a further fact.
    pub fn note(mut self, text: impl Into<String>) -> Diagnostic {
        self.notes.push(text.into());
        self
    }
}

/// Longest name, in characters, to which a near one is looked for: the distance of two takes the product of their lengths.
const LONGEST_NAME: usize = 200;

/// The candidate nearest to an unknown name by edit distance, where one is near enough to be meant. One that differs in capitals and
/// underscores only is nearest of all; of a name of one letter nothing is near.
pub fn nearest<'a>(name: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let length = name.chars().count();
    if length > LONGEST_NAME {
        return None;
    }
    let limit = (1 + length / 6).min(length.saturating_sub(1));
    let plain = |name: &str| name.replace('_', "").to_lowercase();
    let wanted = plain(name);
    candidates
        .into_iter()
        .filter(|candidate| candidate.len() <= 4 * (length + limit))
        .map(|candidate| match plain(candidate) == wanted {
            true => (0, candidate),
            false => (edit_distance(name, candidate), candidate),
        })
        .filter(|(distance, _)| *distance <= limit)
        .min()
        .map(|(_, candidate)| candidate)
}

/// Damerau-Levenshtein distance (optimal string alignment) in characters.
fn edit_distance(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let mut rows = vec![(0..=b.len()).collect::<Vec<usize>>()];
    for i in 1..=a.len() {
        let mut row = vec![i; b.len() + 1];
        for j in 1..=b.len() {
            let substitution = rows[i - 1][j - 1] + usize::from(a[i - 1] != b[j - 1]);
            row[j] = substitution.min(rows[i - 1][j] + 1).min(row[j - 1] + 1);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                row[j] = row[j].min(rows[i - 2][j - 2] + 1);
            }
        }
        rows.push(row);
    }
    rows[a.len()][b.len()]
}

#[cfg(test)]
mod tests {
    use super::nearest;

    #[test]
    fn the_nearest_name_is_found_and_a_far_one_is_not() {
        assert_eq!(
            nearest("cross_entopy", ["mse", "cross_entropy", "kl"]),
            Some("cross_entropy")
        );
        assert_eq!(nearest("desne", ["dense", "dropout"]), Some("dense"));
        assert_eq!(nearest("xyz", ["mse", "relu"]), None);
        assert_eq!(nearest("y", ["x", "pi"]), None);
        assert_eq!(
            nearest("BatchNorm", ["batch_norm", "batches"]),
            Some("batch_norm")
        );
    }
}
