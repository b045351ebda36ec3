//! The arguments of a reader or transform, read by position and name with errors that name them.
use super::{did_you_mean, fault, fault_help};
use crate::base::data::{DataError, DataOption};

/// The arguments of one reader or transform.
pub(super) struct Arguments<'a> {
    /// The reader or transform, as the program names it.
    pub(super) name: &'a str,
    pub(super) positional: &'a [DataOption],
    pub(super) named: &'a [(String, DataOption)],
}

impl Arguments<'_> {
    /// Refuses an option that is not in the list.
    pub(super) fn known(&self, options: &[(&str, &str)]) -> Result<(), DataError> {
        for (index, (name, _)) in self.named.iter().enumerate() {
            if !options.iter().any(|(option, _)| option == name) {
                let names: Vec<&str> = options.iter().map(|(option, _)| *option).collect();
                let help = match name.as_str() {
                    "labels" | "label" | "images" if self.name == "idx" => {
                        "the paths stand one after the other: `idx(\"images\", \"labels\")`".into()
                    }
                    "sep" | "delimiter" if names.contains(&"separator") => {
                        "it is called `separator` here".into()
                    }
                    _ => did_you_mean(name, names, &format!("options of `{}`", self.name)),
                };
                return Err(fault_help(
                    format!("`{}` has no option `{name}`", self.name),
                    help,
                ));
            }
            if self
                .named
                .iter()
                .take(index)
                .any(|(earlier, _)| earlier == name)
            {
                return Err(fault(format!(
                    "`{}`: the option `{name}` is given twice",
                    self.name
                )));
            }
        }
        Ok(())
    }

    /// Refuses a number of positional arguments outside these bounds.
    pub(super) fn positions(
        &self,
        least: usize,
        most: usize,
        usage: &str,
    ) -> Result<(), DataError> {
        let given = self.positional.len();
        if (least..=most).contains(&given) {
            return Ok(());
        }
        let wanted = match (least, most) {
            (0, 0) => "none".to_string(),
            (least, usize::MAX) => format!("at least {least}"),
            (least, most) if least == most => format!("{least}"),
            (least, most) => format!("{least} to {most}"),
        };
        let message = format!(
            "`{}` is given {given} arguments without a name and takes {wanted}",
            self.name
        );
        Err(fault_help(message, format!("write {usage}")))
    }

    /// The option of that name.
    pub(super) fn option(&self, name: &str) -> Option<&DataOption> {
        self.named
            .iter()
            .find(|(option, _)| option == name)
            .map(|(_, value)| value)
    }

    fn wrong(&self, what: &str, wanted: &str, value: &DataOption) -> DataError {
        fault(format!(
            "`{}`: {what} wants {wanted} and is given {}",
            self.name,
            shown(value)
        ))
    }

    /// A whole number of at least `least`, given by name or at a position.
    pub(super) fn count(
        &self,
        position: Option<usize>,
        name: &str,
        least: u32,
    ) -> Result<Option<usize>, DataError> {
        let by_position = position.and_then(|position| self.positional.get(position));
        let value = match (by_position, self.option(name)) {
            (Some(_), Some(_)) => {
                return Err(fault(format!("`{}`: `{name}` is given twice", self.name)));
            }
            (Some(value), None) | (None, Some(value)) => value,
            (None, None) => return Ok(None),
        };
        match value {
            DataOption::Number(number) => match whole(*number) {
                Some(count) if count >= u64::from(least) && count <= u64::from(u32::MAX) => {
                    Ok(Some(count as usize))
                }
                _ => Err(self.wrong(
                    &format!("`{name}`"),
                    &format!("a whole number of at least {least}"),
                    value,
                )),
            },
            other => Err(self.wrong(&format!("`{name}`"), "a whole number", other)),
        }
    }

    /// A seed given by name: any whole number up to 2^53.
    pub(super) fn seed(&self, position: Option<usize>) -> Result<u64, DataError> {
        match position
            .and_then(|position| self.positional.get(position))
            .or(self.option("seed"))
        {
            None => Ok(0),
            Some(DataOption::Number(number)) if whole(*number).is_some() => {
                Ok(whole(*number).unwrap_or(0))
            }
            Some(other) => Err(self.wrong("`seed`", "a whole number", other)),
        }
    }

    /// `true` or `false` given by name.
    pub(super) fn flag(&self, name: &str) -> Result<Option<bool>, DataError> {
        match self.option(name) {
            None => Ok(None),
            Some(DataOption::Flag(value)) => Ok(Some(*value)),
            Some(other) => Err(self.wrong(&format!("`{name}`"), "true or false", other)),
        }
    }

    /// A string given by name.
    pub(super) fn text(&self, name: &str) -> Result<Option<&str>, DataError> {
        match self.option(name) {
            None => Ok(None),
            Some(DataOption::Text(value)) => Ok(Some(value)),
            Some(other) => Err(self.wrong(&format!("`{name}`"), "a string", other)),
        }
    }

    /// A one-character string given by name.
    pub(super) fn character(&self, name: &str) -> Result<Option<char>, DataError> {
        let Some(text) = self.text(name)? else {
            return Ok(None);
        };
        let mut characters = text.chars();
        match (characters.next(), characters.next()) {
            (Some(character), None) => Ok(Some(character)),
            _ => Err(fault(format!(
                "`{}`: `{name}` wants one character and is given {text:?}",
                self.name
            ))),
        }
    }

    /// The positional arguments as strings; lists are taken element by element.
    pub(super) fn texts(&self) -> Result<Vec<&str>, DataError> {
        let mut texts = Vec::new();
        for argument in flat(self.positional) {
            match argument {
                DataOption::Text(text) => texts.push(text.as_str()),
                other => return Err(self.wrong("an argument", "a string", other)),
            }
        }
        Ok(texts)
    }

    /// The positional arguments, strings and finite numbers apart.
    pub(super) fn names_and_numbers(&self) -> Result<(Vec<&str>, Vec<f64>), DataError> {
        let (mut names, mut numbers) = (Vec::new(), Vec::new());
        for argument in flat(self.positional) {
            match argument {
                DataOption::Text(text) => names.push(text.as_str()),
                DataOption::Number(number) if number.is_finite() => numbers.push(*number),
                other => {
                    return Err(self.wrong(
                        "an argument",
                        "a field's name or a finite number",
                        other,
                    ));
                }
            }
        }
        Ok((names, numbers))
    }
}

/// The arguments with lists opened.
fn flat(arguments: &[DataOption]) -> Vec<&DataOption> {
    let mut out = Vec::new();
    for argument in arguments {
        match argument {
            DataOption::List(items) => out.extend(flat(items)),
            DataOption::Number(_) | DataOption::Text(_) | DataOption::Flag(_) => out.push(argument),
        }
    }
    out
}

/// The value as a whole number, where it is one that `f64` holds exactly.
pub(super) fn whole(number: f64) -> Option<u64> {
    ((0.0..=9_007_199_254_740_992.0).contains(&number) && number.fract() == 0.0)
        .then_some(number as u64)
}

/// A value as the program writes it.
pub(super) fn shown(value: &DataOption) -> String {
    match value {
        DataOption::Number(number) => format!("{number}"),
        DataOption::Text(text) => format!("{text:?}"),
        DataOption::Flag(flag) => format!("{flag}"),
        DataOption::List(items) => format!(
            "[{}]",
            items.iter().map(shown).collect::<Vec<_>>().join(", ")
        ),
    }
}
