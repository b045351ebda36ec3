//! Numbers, times and curves as short text that stands in columns.
use super::history::Curve;
use crate::train::format::float;
use std::time::Duration;
use unicode_width::UnicodeWidthStr;

/// Columns that a number is given at least.
pub const NUMBER: usize = 6;

/// Five digits, so that numbers of one kind are of one width; an exponent where that would hide the number.
pub fn number(value: f64) -> String {
    let magnitude = value.abs();
    let decimals = match magnitude {
        _ if !value.is_finite() => return float(value),
        0.0 => 4,
        m if m < 1e-3 => return format!("{value:.1e}"),
        // The bounds are where rounding adds a digit.
        m if m < 9.99995 => 4,
        m if m < 99.9995 => 3,
        m if m < 999.995 => 2,
        m if m < 9999.95 => 1,
        m if m < 1e6 => 0,
        _ => return format!("{value:.1e}"),
    };
    format!("{value:.decimals$}")
}

/// A time in the unit that suits it.
pub fn duration(time: Duration) -> String {
    let seconds = time.as_secs_f64();
    if seconds >= 59.995 {
        let whole = seconds.round() as u64;
        match (whole / 86_400, whole / 3600 % 24, whole / 60 % 60) {
            (0, 0, minutes) => format!("{minutes} min {} s", whole % 60),
            (0, hours, minutes) => format!("{hours} h {minutes} min"),
            (days, hours, _) => format!("{days} d {hours} h"),
        }
    } else if seconds >= 1.0 {
        format!("{seconds:.2} s")
    } else if seconds >= 1e-3 {
        format!("{:.1} ms", seconds * 1e3)
    } else if seconds >= 1e-5 {
        format!("{:.0} us", seconds * 1e6)
    } else if seconds >= 1e-6 || seconds == 0.0 {
        format!("{:.2} us", seconds * 1e6)
    } else {
        format!("{:.0} ns", seconds * 1e9)
    }
}

/// `1 step`, `2 steps`.
pub fn steps(count: u64) -> String {
    format!("{count} step{}", if count == 1 { "" } else { "s" })
}

/// An estimate of a time, in whole seconds or coarser.
pub fn estimate(seconds: f64) -> String {
    if seconds < 59.5 {
        format!("{:.0} s", seconds.max(0.0).ceil())
    } else {
        duration(Duration::from_secs_f64(seconds.round().min(1e12)))
    }
}

/// Steps in a second, with the digits that matter.
pub fn rate(steps_per_second: f64) -> String {
    let decimals = match steps_per_second {
        r if r >= 99.95 => 0,
        r if r >= 9.995 => 1,
        _ => 2,
    };
    format!("{steps_per_second:.decimals$} steps/s")
}

/// Columns that a text takes on a terminal.
pub fn width(text: &str) -> usize {
    text.width()
}

/// The levels of a curve in block characters, low to high.
const BLOCKS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/// A curve in at most `columns` block characters, one for each stretch of steps; on a logarithmic scale where the values ask for it.
pub fn curve(curve: &Curve, columns: usize) -> String {
    let values = curve.columns(columns);
    let finite = || values.iter().copied().filter(|value| value.is_finite());
    let least = finite().fold(f64::INFINITY, f64::min);
    let most = finite().fold(f64::NEG_INFINITY, f64::max);
    let log = least > 0.0 && most > 20.0 * least;
    let scale = |value: f64| if log { value.ln() } else { value };
    let (low, high) = (scale(least), scale(most));
    let block = |&value: &f64| {
        if !value.is_finite() {
            return '?';
        }
        let share = (scale(value) - low) / (high - low);
        // A constant has no share of its range.
        let level = if share.is_finite() { share * 7.0 } else { 0.0 };
        let level = level.round().clamp(0.0, 7.0) as usize;
        BLOCKS.get(level).copied().unwrap_or('█')
    };
    values.iter().map(block).collect()
}

/// A histogram: a block for each bin, as high as its share of the fullest; digits of tenths where blocks cannot be shown.
pub fn bars(bins: &[usize], blocks: bool) -> String {
    let most = bins.iter().copied().max().unwrap_or(0).max(1);
    let bar = |&count: &usize| match (count, blocks) {
        (0, true) => ' ',
        (0, false) => '.',
        (_, true) => BLOCKS.get(count * 7 / most).copied().unwrap_or('█'),
        (_, false) => char::from_digit((count * 9 / most) as u32, 10).unwrap_or('9'),
    };
    bins.iter().map(bar).collect()
}

/// Which of two values of a quantity is better.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Better {
    /// The smaller: losses and errors.
    Smaller,
    /// The larger: accuracies.
    Larger,
}

impl Better {
    /// What is better of a quantity of that label; `None` for one that a program has defined itself.
    pub fn of(label: &str) -> Option<Better> {
        match label.strip_prefix("val_").unwrap_or(label) {
            "accuracy" | "binary_accuracy" | "r2" => Some(Better::Larger),
            "loss"
            | "mse"
            | "half_mse"
            | "mae"
            | "huber"
            | "nll"
            | "cross_entropy"
            | "soft_cross_entropy"
            | "binary_cross_entropy"
            | "bce"
            | "kl"
            | "perplexity" => Some(Better::Smaller),
            _ => None,
        }
    }

    /// Whether a value is better than another.
    pub fn is(self, value: f64, than: f64) -> bool {
        match self {
            Better::Smaller => value < than,
            Better::Larger => value > than,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_step_is_one_step() {
        assert_eq!(
            [steps(0), steps(1), steps(2)],
            ["0 steps", "1 step", "2 steps"]
        );
    }

    #[test]
    fn numbers_of_one_kind_are_of_one_width() {
        for (value, text) in [
            (0.0, "0.0000"),
            (0.25, "0.2500"),
            (-0.25, "-0.2500"),
            (9.99999, "10.000"),
            (12.34567, "12.346"),
            (123.4567, "123.46"),
            (999.999, "1000.0"),
            (123_456.0, "123456"),
            (1e-7, "1.0e-7"),
            (2.5e9, "2.5e9"),
            (f64::NAN, "nan"),
            (f64::NEG_INFINITY, "-inf"),
        ] {
            assert_eq!(number(value), text);
        }
    }

    #[test]
    fn times_have_the_unit_that_suits_them() {
        for (seconds, text) in [
            (0.000_002_5, "2.50 us"),
            (0.012_34, "12.3 ms"),
            (1.5, "1.50 s"),
            (59.999, "1 min 0 s"),
            (125.0, "2 min 5 s"),
            (3_700.0, "1 h 1 min"),
            (90_000.0, "1 d 1 h"),
        ] {
            assert_eq!(duration(Duration::from_secs_f64(seconds)), text);
        }
        assert_eq!(
            (estimate(0.2), estimate(12.1), estimate(59.6)),
            ("1 s".into(), "13 s".into(), "1 min 0 s".into())
        );
    }

    #[test]
    fn a_curve_has_a_block_for_each_stretch() {
        let mut falling = Curve::default();
        (0..8).for_each(|at| falling.push(f64::from(8 - at)));
        assert_eq!(curve(&falling, 8), "█▇▆▅▄▃▂▁");
        assert_eq!(curve(&falling, 4).chars().count(), 4);
        let mut steep = Curve::default();
        [1000.0, 100.0, 10.0, 1.0]
            .into_iter()
            .for_each(|value| steep.push(value));
        assert_eq!(curve(&steep, 9), "█▆▃▁");
        let mut broken = Curve::default();
        [1.0, 1.0, f64::NAN]
            .into_iter()
            .for_each(|value| broken.push(value));
        assert_eq!(curve(&broken, 9), "▁▁?");
        assert_eq!(curve(&Curve::default(), 9), "");
    }
}
