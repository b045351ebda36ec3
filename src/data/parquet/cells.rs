//! What the values of a column mean, and the cells that they become.
use super::pages::Budget;
use crate::data::dates::{moment, time_of_day, written};
use crate::data::frame::{Cell, Column, LONGEST_CELL};
use crate::data::npy::f16_to_f32;
use ::parquet::basic::{ConvertedType, LogicalType, TimeUnit, Type};
use ::parquet::data_type::{ByteArray, FixedLenByteArray, Int96};
use ::parquet::schema::types::ColumnDescriptor;

/// Memory of a text beside its bytes.
const TEXT: u64 = 64;
/// The day 1970-01-01 as days of the calendar of astronomers.
const EPOCH: i64 = 2_440_588;

/// What the values of a column are.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Meaning {
    /// Numbers as they are; bytes are text.
    Plain,
    /// Whole numbers without a sign.
    Unsigned,
    /// Whole numbers of so many tenths, hundredths, ...: 10 to the power of the scale.
    Decimal { scale: i32 },
    /// Days since 1970-01-01.
    Day,
    /// So many parts of a second since 1970-01-01.
    Moment { parts: i64 },
    /// So many parts of a second since midnight.
    Clock { parts: i64 },
    /// Numbers of 16 bits.
    Half,
    /// Sixteen bytes, written in hexadecimal digits.
    Uuid,
}

impl Meaning {
    /// Of a column; what it holds where that has no place in a table.
    pub(super) fn of(leaf: &ColumnDescriptor) -> Result<Meaning, &'static str> {
        let logical = match leaf.logical_type_ref() {
            Some(logical) => logical_meaning(logical)?,
            None => None,
        };
        let meaning = match logical {
            Some(meaning) => meaning,
            None => converted_meaning(leaf)?,
        };
        let bytes = usize::try_from(leaf.type_length()).unwrap_or(usize::MAX);
        match (leaf.physical_type(), meaning) {
            (Type::FIXED_LEN_BYTE_ARRAY, Meaning::Half) if bytes == 2 => Ok(meaning),
            (Type::FIXED_LEN_BYTE_ARRAY, Meaning::Uuid) if bytes == 16 => Ok(meaning),
            (_, Meaning::Half | Meaning::Uuid) => Err("values of an unknown kind"),
            (_, Meaning::Decimal { scale }) if !(0..=38).contains(&scale) => {
                Err("decimal numbers of more than 38 digits")
            }
            (Type::FIXED_LEN_BYTE_ARRAY, _) if bytes == 0 || bytes > LONGEST_CELL => {
                Err("bytes of no or any length")
            }
            _ => Ok(meaning),
        }
    }

    /// Puts a value below the cells of a column, or says why it is no value of it.
    pub(super) fn put(
        self,
        value: Stored<'_>,
        column: &mut Column,
        budget: &Budget,
    ) -> Result<(), String> {
        let mut put_text = |text: &str| {
            if text.len() > LONGEST_CELL {
                let length = text.len();
                return Err(format!(
                    "a cell of {length} bytes, where the longest may have {LONGEST_CELL}"
                ));
            }
            let taken = budget.take(text.len() as u64 + TEXT);
            taken.map_err(|error| super::plain(&error))?;
            column.push(Cell::Text(text));
            Ok(())
        };
        let number = match (self, value) {
            (_, Stored::Flag(flag)) => {
                column.push(Cell::Flag(flag));
                return Ok(());
            }
            (Meaning::Unsigned, Stored::Int(value)) => f64::from(value as u32),
            (Meaning::Unsigned, Stored::Long(value)) => value as u64 as f64,
            (Meaning::Decimal { scale }, Stored::Int(value)) => scaled(i128::from(value), scale),
            (Meaning::Decimal { scale }, Stored::Long(value)) => scaled(i128::from(value), scale),
            (Meaning::Decimal { scale }, Stored::Bytes(bytes)) => scaled(whole(bytes)?, scale),
            (Meaning::Day, Stored::Int(value)) => return put_text(&written(f64::from(value))),
            (Meaning::Moment { parts }, Stored::Long(value)) => {
                let day = 86_400 * parts;
                let part = value.rem_euclid(day) * (1_000_000_000 / parts);
                return put_text(&moment(value.div_euclid(day), part));
            }
            (_, Stored::Old([low, high, day])) => {
                let part = (u64::from(high) << 32 | u64::from(low)) as i64;
                let day = i64::from(day) - EPOCH + part.div_euclid(DAY);
                return put_text(&moment(day, part.rem_euclid(DAY)));
            }
            (Meaning::Clock { parts }, Stored::Int(value)) => {
                return put_text(&clock(i64::from(value), parts));
            }
            (Meaning::Clock { parts }, Stored::Long(value)) => {
                return put_text(&clock(value, parts));
            }
            (Meaning::Half, Stored::Bytes(&[low, high])) => {
                f64::from(f16_to_f32(u16::from_le_bytes([low, high])))
            }
            (Meaning::Uuid, Stored::Bytes(bytes)) => {
                let digits = bytes.iter().map(|byte| format!("{byte:02x}"));
                let mut text: String = digits.collect();
                for at in [20, 16, 12, 8] {
                    if text.is_char_boundary(at) {
                        text.insert(at, '-');
                    }
                }
                return put_text(&text);
            }
            (_, Stored::Bytes(bytes)) => {
                let text = std::str::from_utf8(bytes);
                return put_text(
                    text.map_err(|_| "its bytes are no text".to_string())?
                        .trim(),
                );
            }
            (_, Stored::Int(value)) => f64::from(value),
            (_, Stored::Long(value)) => value as f64,
            (_, Stored::Number(value)) => value,
        };
        column.push(Cell::Number(number));
        Ok(())
    }
}

/// A day in parts of 10^-9 seconds.
const DAY: i64 = 86_400_000_000_000;

fn logical_meaning(logical: &LogicalType) -> Result<Option<Meaning>, &'static str> {
    Ok(Some(match logical {
        LogicalType::String | LogicalType::Enum | LogicalType::Json | LogicalType::Unknown => {
            Meaning::Plain
        }
        LogicalType::Decimal(decimal) => Meaning::Decimal {
            scale: decimal.scale,
        },
        LogicalType::Date => Meaning::Day,
        LogicalType::Time(time) => Meaning::Clock {
            parts: parts(time.unit),
        },
        LogicalType::Timestamp(time) => Meaning::Moment {
            parts: parts(time.unit),
        },
        LogicalType::Integer(int) if !int.is_signed => Meaning::Unsigned,
        LogicalType::Integer(_) => Meaning::Plain,
        LogicalType::Uuid => Meaning::Uuid,
        LogicalType::Float16 => Meaning::Half,
        LogicalType::Map | LogicalType::List => return Err("lists"),
        LogicalType::Bson => return Err("BSON documents"),
        LogicalType::Variant(_) | LogicalType::File => return Err("values of any kind"),
        LogicalType::Geometry(_) | LogicalType::Geography(_) => return Err("shapes"),
        LogicalType::_Unknown { .. } => return Ok(None),
    }))
}

/// What older programs write.
fn converted_meaning(leaf: &ColumnDescriptor) -> Result<Meaning, &'static str> {
    Ok(match leaf.converted_type() {
        ConvertedType::DECIMAL => Meaning::Decimal {
            scale: leaf.type_scale(),
        },
        ConvertedType::DATE => Meaning::Day,
        ConvertedType::TIME_MILLIS => Meaning::Clock { parts: 1000 },
        ConvertedType::TIME_MICROS => Meaning::Clock { parts: 1_000_000 },
        ConvertedType::TIMESTAMP_MILLIS => Meaning::Moment { parts: 1000 },
        ConvertedType::TIMESTAMP_MICROS => Meaning::Moment { parts: 1_000_000 },
        ConvertedType::UINT_8
        | ConvertedType::UINT_16
        | ConvertedType::UINT_32
        | ConvertedType::UINT_64 => Meaning::Unsigned,
        ConvertedType::NONE
        | ConvertedType::UTF8
        | ConvertedType::ENUM
        | ConvertedType::JSON
        | ConvertedType::INT_8
        | ConvertedType::INT_16
        | ConvertedType::INT_32
        | ConvertedType::INT_64 => Meaning::Plain,
        ConvertedType::MAP | ConvertedType::MAP_KEY_VALUE | ConvertedType::LIST => {
            return Err("lists");
        }
        ConvertedType::BSON => return Err("BSON documents"),
        ConvertedType::INTERVAL => return Err("lengths of time"),
    })
}

fn parts(unit: TimeUnit) -> i64 {
    match unit {
        TimeUnit::MILLIS => 1000,
        TimeUnit::MICROS => 1_000_000,
        TimeUnit::NANOS => 1_000_000_000,
    }
}

fn clock(value: i64, parts: i64) -> String {
    let of_day = value.rem_euclid(86_400 * parts);
    time_of_day(of_day * (1_000_000_000 / parts))
}

/// The number of bytes with the highest first, of which the first has the sign.
fn whole(bytes: &[u8]) -> Result<i128, String> {
    let (first, rest) = bytes.split_first().ok_or("a decimal number of no bytes")?;
    if rest.len() > 15 {
        return Err(format!("a decimal number of {} bytes", bytes.len()));
    }
    let sign = i128::from(*first as i8);
    let number = rest
        .iter()
        .fold(sign, |number, byte| number << 8 | i128::from(*byte));
    Ok(number)
}

/// The number divided by a power of ten, once rounded where both are exact.
fn scaled(number: i128, scale: i32) -> f64 {
    number as f64 / 10f64.powi(scale)
}

/// A value as it is stored.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Stored<'a> {
    Flag(bool),
    Int(i32),
    Long(i64),
    Number(f64),
    Bytes(&'a [u8]),
    /// A moment as older programs write it: 10^-9 seconds of the day, the lower half first, then the day.
    Old([u32; 3]),
}

/// A type of the crate's.
pub(super) trait Store {
    fn stored(&self) -> Stored<'_>;
}

impl Store for bool {
    fn stored(&self) -> Stored<'_> {
        Stored::Flag(*self)
    }
}

impl Store for i32 {
    fn stored(&self) -> Stored<'_> {
        Stored::Int(*self)
    }
}

impl Store for i64 {
    fn stored(&self) -> Stored<'_> {
        Stored::Long(*self)
    }
}

impl Store for f32 {
    fn stored(&self) -> Stored<'_> {
        Stored::Number(f64::from(*self))
    }
}

impl Store for f64 {
    fn stored(&self) -> Stored<'_> {
        Stored::Number(*self)
    }
}

impl Store for Int96 {
    fn stored(&self) -> Stored<'_> {
        match *self.data() {
            [low, high, day] => Stored::Old([low, high, day]),
            _ => Stored::Old([0; 3]),
        }
    }
}

impl Store for ByteArray {
    fn stored(&self) -> Stored<'_> {
        Stored::Bytes(self.data())
    }
}

impl Store for FixedLenByteArray {
    fn stored(&self) -> Stored<'_> {
        Stored::Bytes(self.data())
    }
}
