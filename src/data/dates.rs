//! Dates as numbers.
//!
//! A date is `2024-01-31`, also with `/` or `.` between, `2024-01` for the first of a month, and may be followed by a time of day,
//! `2024-01-31T18:30:00Z` (ISO 8601); an offset such as `+02:00` is taken off. It becomes days since 1970-01-01, the time of day as
//! their fraction, or the parts that are asked for. A cell that is no date is an error, never a guess: which of `03/04/2024` is the day,
//! `order` says.
//!
//! Source of the count of days: H. Hinnant, "chrono-Compatible Low-Level Date Algorithms" (2013).
use super::arguments::Arguments;
use super::frame::{Column, Columns, Frame};
use super::transforms::{Context, table};
use super::{did_you_mean, fault, fault_help};
use crate::base::data::{DataError, DataOption};
use std::collections::BTreeMap;

/// What a part of a date is called, and how it is found.
type Part = (&'static str, fn(&Date) -> f64);

const PARTS: &[Part] = &[
    ("year", |date| date.year as f64),
    ("month", |date| f64::from(date.month)),
    ("day", |date| f64::from(date.day)),
    // The first of January 1970 was a Thursday; Monday is 0.
    ("weekday", |date| (date.days() + 3).rem_euclid(7) as f64),
    ("day_of_year", |date| {
        let first = Date {
            month: 1,
            day: 1,
            ..*date
        };
        (date.days() - first.days() + 1) as f64
    }),
    ("hour", |date| (date.seconds / 3600.0).floor()),
    ("minute", |date| (date.seconds / 60.0).floor() % 60.0),
];

/// A day, and the seconds since its midnight.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Date {
    year: i64,
    month: u32,
    day: u32,
    seconds: f64,
}

/// Which of the numbers is the year, the month, the day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// 2024-01-31
    Ymd,
    /// 31/01/2024
    Dmy,
    /// 01/31/2024
    Mdy,
}

impl Order {
    /// What the option `order` of `dates` says; nothing where it may be left out.
    pub fn option(self) -> Option<&'static str> {
        match self {
            Order::Ymd => None,
            Order::Dmy => Some("dmy"),
            Order::Mdy => Some("mdy"),
        }
    }
}

/// How the dates of a column are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Writing {
    /// What comes first.
    pub order: Order,
    /// Whether day and month may as well be the other way round: no day is above 12.
    pub ambiguous: bool,
}

/// How texts are written that are dates, nine of ten at least; `None` where fewer are.
pub(super) fn writing<'a>(texts: impl Iterator<Item = &'a String> + Clone) -> Option<Writing> {
    let count = |order: Order| {
        texts
            .clone()
            .filter(|text| parse(text, order).is_some())
            .count()
    };
    let total = texts.clone().count();
    let orders = [Order::Ymd, Order::Dmy, Order::Mdy].map(|order| (order, count(order)));
    // The last of equals is kept: backwards, the first.
    let (order, dates) = orders.into_iter().rev().max_by_key(|(_, count)| *count)?;
    let is_other = |(other, count): &(Order, usize)| *other != order && *count == dates;
    (dates > 0 && dates * 10 >= total * 9).then(|| Writing {
        order,
        ambiguous: orders.iter().any(is_other),
    })
}

/// The transform: columns of dates become numbers.
pub(super) fn dates(
    frame: &mut Frame,
    arguments: &Arguments<'_>,
    _: &Context<'_>,
) -> Result<(), DataError> {
    let names = arguments.texts()?;
    let order = match arguments.text("order")? {
        None | Some("ymd") => Order::Ymd,
        Some("dmy") => Order::Dmy,
        Some("mdy") => Order::Mdy,
        Some(other) => {
            return Err(fault(format!(
                "`dates`: `order` is \"ymd\", \"dmy\" or \"mdy\", not {other:?}"
            )));
        }
    };
    let parts = parts(arguments)?;
    let table = table(frame, "dates")?;
    for name in names {
        let index = table.index(name, "dates")?;
        let days = read(table, index, order)?;
        let columns: Vec<Column> = match parts.is_empty() {
            true => vec![column(name.to_string(), &days, |date| {
                date.days() as f64 + date.seconds / 86_400.0
            })],
            false => parts
                .iter()
                .map(|(part, of)| column(format!("{name}.{part}"), &days, of))
                .collect(),
        };
        table.columns.splice(index..=index, columns);
    }
    Ok(())
}

fn parts(arguments: &Arguments<'_>) -> Result<Vec<Part>, DataError> {
    let names = match arguments.option("parts") {
        None => return Ok(Vec::new()),
        Some(DataOption::List(items)) => items.as_slice(),
        Some(one) => std::slice::from_ref(one),
    };
    let part = |name: &DataOption| {
        let DataOption::Text(name) = name else {
            return Err(fault(
                "`dates`: `parts` is a list of names, such as \"month\"",
            ));
        };
        let found = PARTS.iter().find(|(part, _)| part == name);
        found.copied().ok_or_else(|| {
            let known: Vec<&str> = PARTS.iter().map(|(part, _)| *part).collect();
            fault_help(
                format!("`dates`: a date has no part \"{name}\""),
                did_you_mean(name, known, "parts"),
            )
        })
    };
    names.iter().map(part).collect()
}

fn column(name: String, dates: &[Option<Date>], of: impl Fn(&Date) -> f64) -> Column {
    let number = |date: &Option<Date>| date.as_ref().map_or(f64::NAN, &of);
    Column {
        name,
        numbers: dates.iter().map(number).collect(),
        texts: BTreeMap::new(),
        flags: false,
    }
}

/// The dates of a column; `None` where one is missing.
fn read(table: &Columns, index: usize, order: Order) -> Result<Vec<Option<Date>>, DataError> {
    let Some(column) = table.columns.get(index) else {
        return Ok(Vec::new());
    };
    (0..table.rows as u32)
        .map(|row| {
            let Some(text) = column.key(row) else {
                return Ok(None);
            };
            let read = parse(&text, order);
            let wrong = || {
                let swapped = [Order::Dmy, Order::Mdy, Order::Ymd];
                let other = swapped
                    .into_iter()
                    .find(|&other| other != order && parse(&text, other).is_some());
                let help = match other {
                    Some(Order::Dmy) => "if the day comes first, write dates(..., order = \"dmy\")",
                    Some(Order::Mdy) => {
                        "if the month comes first, write dates(..., order = \"mdy\")"
                    }
                    Some(Order::Ymd) => "if the year comes first, leave out `order`",
                    None => "write it as 2024-01-31 or 2024-01-31T18:30:00",
                };
                fault_help(
                    format!(
                        "{}, column \"{}\": {text:?} is not a date",
                        table.place(row),
                        column.name
                    ),
                    help,
                )
            };
            read.map(Some).ok_or_else(wrong)
        })
        .collect()
}

/// Days since 1970-01-01 of a date that is written so.
pub(super) fn day(text: &str, order: Order) -> Option<f64> {
    let date = parse(text, order)?;
    Some(date.days() as f64 + date.seconds / 86_400.0)
}

/// A number of days since 1970-01-01 as a date, `2024-01-31`.
pub fn written(days: f64) -> String {
    let days = days.floor() as i64 + 719_468;
    let era = days.div_euclid(146_097);
    let of_era = days.rem_euclid(146_097);
    let year = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let shifted = (5 * of_year + 2) / 153;
    let day = of_year - (153 * shifted + 2) / 5 + 1;
    let month = if shifted < 10 {
        shifted + 3
    } else {
        shifted - 9
    };
    let year = year + era * 400 + i64::from(month <= 2);
    format!("{year:04}-{month:02}-{day:02}")
}

/// A day and 10^-9 seconds of it as a date, `2024-01-31T18:30:05.25`, at midnight `2024-01-31`.
#[cfg(feature = "parquet")]
pub(super) fn moment(day: i64, part: i64) -> String {
    let day = written(day as f64);
    match part {
        0 => day,
        _ => format!("{day}T{}", time_of_day(part)),
    }
}

/// So many 10^-9 seconds since midnight, `18:30:05.25`.
#[cfg(feature = "parquet")]
pub(super) fn time_of_day(part: i64) -> String {
    let seconds = part.div_euclid(1_000_000_000);
    let (hour, minute, second) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    let fraction = format!("{:09}", part.rem_euclid(1_000_000_000));
    let text = format!("{hour:02}:{minute:02}:{second:02}.{fraction}");
    text.trim_end_matches('0').trim_end_matches('.').to_string()
}

fn parse(text: &str, order: Order) -> Option<Date> {
    let text = text.trim();
    let (day, time) = match text.split_once(['T', ' ']) {
        Some((day, time)) => (day, Some(time.trim())),
        None => (text, None),
    };
    let separator = day.chars().find(|c| matches!(c, '-' | '/' | '.'))?;
    let numbers: Vec<&str> = day.split(separator).collect();
    let digits = |text: &str, most: usize| -> Option<u32> {
        let plain = (1..=most).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit());
        plain.then(|| text.parse().ok()).flatten()
    };
    let (year, month, day) = match (order, numbers.as_slice()) {
        (Order::Ymd, [year, month, day]) => (*year, *month, *day),
        (Order::Ymd, [year, month]) => (*year, *month, "1"),
        (Order::Dmy, [day, month, year]) => (*year, *month, *day),
        (Order::Mdy, [month, day, year]) => (*year, *month, *day),
        _ => return None,
    };
    if year.len() != 4 {
        return None;
    }
    let date = Date {
        year: i64::from(digits(year, 4)?),
        month: digits(month, 2)?,
        day: digits(day, 2)?,
        seconds: 0.0,
    };
    let fits = (1..=12).contains(&date.month) && (1..=date.days_of_month()).contains(&date.day);
    if !fits {
        return None;
    }
    match time {
        None => Some(date),
        Some(time) => date.at(seconds(time)?),
    }
}

/// Seconds since midnight of `18:30`, `18:30:05.25`, with `Z` or an offset from UTC, which is taken off.
fn seconds(time: &str) -> Option<f64> {
    let time = time.strip_suffix(['Z', 'z']).unwrap_or(time);
    let (clock, offset) = match time.rfind(['+', '-']) {
        Some(at) => (&time[..at], Some((&time[at..at + 1], &time[at + 1..]))),
        None => (time, None),
    };
    let number = |text: &str, below: f64| -> Option<f64> {
        let plain = text.bytes().all(|b| b.is_ascii_digit() || b == b'.') && !text.is_empty();
        let number = plain.then(|| text.parse::<f64>().ok()).flatten()?;
        (number < below).then_some(number)
    };
    let mut fields = clock.trim().split(':');
    let hours = number(fields.next()?, 24.0)?;
    let minutes = number(fields.next()?, 60.0)?;
    let seconds = fields.next().map_or(Some(0.0), |text| number(text, 61.0))?;
    if fields.next().is_some() || hours.fract() + minutes.fract() > 0.0 {
        return None;
    }
    let mut total = hours * 3600.0 + minutes * 60.0 + seconds;
    if let Some((sign, offset)) = offset {
        let (hours, minutes) = match offset.split_once(':') {
            Some(parts) => parts,
            None if offset.len() == 4 => (offset.get(..2)?, offset.get(2..)?),
            None => (offset, "00"),
        };
        let shift = number(hours, 24.0)? * 3600.0 + number(minutes, 60.0)? * 60.0;
        total += if sign == "+" { -shift } else { shift };
    }
    Some(total)
}

impl Date {
    fn days_of_month(&self) -> u32 {
        let leap = self.year % 4 == 0 && (self.year % 100 != 0 || self.year % 400 == 0);
        match self.month {
            2 if leap => 29,
            2 => 28,
            4 | 6 | 9 | 11 => 30,
            _ => 31,
        }
    }

    /// Days since 1970-01-01.
    fn days(&self) -> i64 {
        // Years begin in March here, so that the leap day is their last.
        let year = if self.month <= 2 {
            self.year - 1
        } else {
            self.year
        };
        let era = year.div_euclid(400);
        let of_era = year.rem_euclid(400);
        let month = i64::from((self.month + 9) % 12);
        let of_year = (153 * month + 2) / 5 + i64::from(self.day) - 1;
        let of_era = of_era * 365 + of_era / 4 - of_era / 100 + of_year;
        era * 146_097 + of_era - 719_468
    }

    /// So many seconds after midnight of this day, which may be on the day before or after.
    fn at(self, seconds: f64) -> Option<Date> {
        if (0.0..86_400.0).contains(&seconds) {
            return Some(Date { seconds, ..self });
        }
        let days = self.days() as f64 + (seconds / 86_400.0).floor();
        let moved = parse(&written(days), Order::Ymd)?;
        Some(Date {
            seconds: seconds.rem_euclid(86_400.0),
            ..moved
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_counted_from_1970() {
        // The values are those of Python's `datetime`.
        for (text, days) in [
            ("1970-01-01", 0.0),
            ("1969-12-31", -1.0),
            ("2000-02-29", 11_016.0),
            ("2024/3/1", 19_783.0),
            ("1949-01", -7670.0),
            ("1600-12-31", -134_775.0),
            ("2024-01-31T12:00:00Z", 19_753.5),
            ("2024-01-31 00:30+01:00", 19_752.0 + 23.5 / 24.0),
            ("2024-01-31 23:30-0100", 19_754.0 + 0.5 / 24.0),
        ] {
            let found = day(text, Order::Ymd).unwrap_or(f64::NAN);
            assert!((found - days).abs() < 1e-9, "{text}: {found}, not {days}");
        }
    }

    #[test]
    fn every_day_is_written_as_it_is_read() {
        for days in (-200_000..200_000).step_by(13) {
            let found = day(&written(f64::from(days)), Order::Ymd);
            assert_eq!(found, Some(f64::from(days)));
        }
    }

    #[test]
    fn what_is_no_date_is_none() {
        for text in [
            "2023-02-29",
            "2024-13-01",
            "2024-00-10",
            "24-01-01",
            "2024-01-01-01",
            "31/01/2024",
            "2024",
            "today",
            "2024-01-01T25:00",
            "2024-01-01T10",
            "2024-01-01T10:61",
            "",
        ] {
            assert!(parse(text, Order::Ymd).is_none(), "{text}");
        }
        assert!(parse("31/01/2024", Order::Dmy).is_some());
        assert!(parse("01/31/2024", Order::Mdy).is_some());
    }

    #[test]
    fn the_order_is_told_by_days_above_twelve() {
        let of = |texts: &[&str]| {
            let texts: Vec<String> = texts.iter().map(|text| text.to_string()).collect();
            let found = writing(texts.iter())?;
            Some((found.order, found.ambiguous))
        };
        assert_eq!(of(&["2024-01-02", "2024-01"]), Some((Order::Ymd, false)));
        assert_eq!(of(&["01/02/2024", "13.02.2024"]), Some((Order::Dmy, false)));
        assert_eq!(of(&["01/02/2024", "02/13/2024"]), Some((Order::Mdy, false)));
        assert_eq!(of(&["01/02/2024"]), Some((Order::Dmy, true)));
        let mut texts = vec!["31/01/2024"; 9];
        texts.push("unknown");
        assert_eq!(of(&texts), Some((Order::Dmy, false)));
        texts.push("unknown");
        assert_eq!(of(&texts), None);
        assert_eq!(of(&[]), None);
    }

    #[test]
    fn parts_of_a_date() {
        let date = parse("2024-12-31T18:45:10", Order::Ymd).expect("a date");
        let found: Vec<f64> = PARTS.iter().map(|(_, of)| of(&date)).collect();
        assert_eq!(found, [2024.0, 12.0, 31.0, 1.0, 366.0, 18.0, 45.0]);
    }
}
