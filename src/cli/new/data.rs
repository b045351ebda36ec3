//! Made-up data, the same on every machine: random words are Philox's, functions those of `libm`.
use crate::base::philox::philox4x32_10;
use std::fmt::Write;

/// A stream of random numbers.
struct Random {
    key: u32,
    count: u32,
}

impl Random {
    fn new(key: u32) -> Random {
        Random { key, count: 0 }
    }

    /// Uniform in 0..1.
    fn uniform(&mut self) -> f64 {
        self.count += 1;
        let [word, ..] = philox4x32_10([self.count, 0, 0, 0], [self.key, 0]);
        f64::from(word) / 4_294_967_296.0
    }

    fn between(&mut self, low: f64, high: f64) -> f64 {
        low + (high - low) * self.uniform()
    }

    /// A whole number below `end`.
    fn below(&mut self, end: usize) -> usize {
        ((self.uniform() * end as f64) as usize).min(end.saturating_sub(1))
    }

    /// About normal with deviation 1: the sum of twelve uniform numbers.
    fn normal(&mut self) -> f64 {
        (0..12).map(|_| self.uniform()).sum::<f64>() - 6.0
    }
}

/// Flats and their rents.
pub fn flats() -> String {
    let mut random = Random::new(1);
    let mut out = String::from("area,rooms,age,distance,rent\n");
    for _ in 0..300 {
        let area = random.between(25.0, 140.0);
        let rooms = (area / 28.0 + random.between(0.2, 1.8)).floor().max(1.0);
        let age = random.between(0.0, 90.0);
        let distance = random.between(0.2, 14.0);
        let rent = 180.0 + 9.5 * area + 35.0 * rooms
            - 2.2 * age
            - 28.0 * distance
            - 0.06 * area * distance
            + 25.0 * random.normal();
        // Writing to a `String` cannot fail.
        let _ = writeln!(out, "{area:.1},{rooms:.0},{age:.0},{distance:.1},{rent:.0}");
    }
    out
}

/// Points of three arms of a spiral.
pub fn clusters() -> String {
    let mut random = Random::new(2);
    let mut out = String::from("x,y,colour\n");
    for at in 0..360 {
        let arm = at % 3;
        let r = random.between(0.1, 1.0);
        let angle =
            2.0 * std::f64::consts::PI * arm as f64 / 3.0 + 3.5 * r + 0.12 * random.normal();
        let (x, y) = (r * libm::cos(angle), r * libm::sin(angle));
        let colour = ["red", "green", "blue"].get(arm).copied().unwrap_or("red");
        let _ = writeln!(out, "{x:.3},{y:.3},{colour}");
    }
    out
}

/// Images of 8 by 8 pixels, each with a bar that lies, a bar that stands, or a cross.
pub fn bars() -> String {
    let mut random = Random::new(3);
    let names: Vec<String> = (0..64).map(|at| format!("p{at}")).collect();
    let mut out = format!("{},shape\n", names.join(","));
    for at in 0..450 {
        let kind = at % 3;
        let (row, column) = (1 + random.below(6), 1 + random.below(6));
        for pixel in 0..64 {
            let lies = pixel / 8 == row;
            let stands = pixel % 8 == column;
            let lit = match kind {
                0 => lies,
                1 => stands,
                _ => lies || stands,
            };
            let value = 170.0 * f64::from(u8::from(lit)) + 60.0 + 45.0 * random.normal();
            let _ = write!(out, "{:.0},", value.clamp(0.0, 255.0));
        }
        let name = ["lying", "standing", "cross"]
            .get(kind)
            .copied()
            .unwrap_or("cross");
        let _ = writeln!(out, "{name}");
    }
    out
}

/// Series of unequal length, a line for each step.
pub fn waves() -> String {
    let mut random = Random::new(4);
    let mut out = String::from("series,value,wave\n");
    for series in 0..240 {
        let kind = series % 3;
        let length = 12 + random.below(13);
        let period = random.between(7.0, 12.0);
        let phase = random.uniform();
        for step in 0..length {
            let turn = (step as f64 / period + phase).fract();
            let value = match kind {
                0 => libm::sin(2.0 * std::f64::consts::PI * turn),
                1 if turn < 0.5 => 1.0,
                1 => -1.0,
                _ => 2.0 * turn - 1.0,
            };
            let name = ["round", "square", "saw"]
                .get(kind)
                .copied()
                .unwrap_or("saw");
            let _ = writeln!(out, "{series},{:.3},{name}", value + 0.15 * random.normal());
        }
    }
    out
}

/// Sentences of a small grammar.
pub fn sentences() -> String {
    const SUBJECTS: &[&str] = &[
        "the cat",
        "a dog",
        "the old bird",
        "my sister",
        "the small fox",
        "a child",
    ];
    const VERBS: &[&str] = &["sees", "finds", "likes", "follows", "hears"];
    const OBJECTS: &[&str] = &[
        "the moon",
        "a red ball",
        "the river",
        "an apple",
        "the green door",
        "a song",
    ];
    const ENDS: &[&str] = &[
        "at night",
        "in the garden",
        "every day",
        "near the sea",
        "again",
    ];
    let mut random = Random::new(5);
    let mut pick =
        |words: &[&'static str]| words.get(random.below(words.len())).copied().unwrap_or("");
    let mut out = String::new();
    for _ in 0..400 {
        let (subject, verb) = (pick(SUBJECTS), pick(VERBS));
        let (object, end) = (pick(OBJECTS), pick(ENDS));
        let _ = writeln!(out, "{subject} {verb} {object} {end}.");
    }
    out
}
