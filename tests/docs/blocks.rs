//! A document as its blocks, and whether a shown text is what came.

/// A piece of a document.
pub enum Piece {
    /// Text between blocks, with its line ends.
    Prose(String),
    Block(Block),
}

/// What stands between two fences.
pub struct Block {
    /// The words after the opening fence.
    pub info: String,
    pub text: String,
    /// The line of the opening fence, from 1.
    pub line: usize,
}

impl Block {
    /// What the block is: the first word of its fence.
    pub fn kind(&self) -> &str {
        self.info.split_whitespace().next().unwrap_or("")
    }

    /// The rest of the fence.
    pub fn mark(&self) -> &str {
        self.info.strip_prefix(self.kind()).unwrap_or("").trim()
    }
}

/// The pieces of a document; an error names the line of a fence that is not closed.
pub fn pieces(text: &str) -> Result<Vec<Piece>, String> {
    let mut pieces = Vec::new();
    let mut prose = String::new();
    let mut open: Option<Block> = None;
    for (at, line) in text.split_inclusive('\n').enumerate() {
        match (&mut open, line.strip_prefix("```")) {
            (None, Some(info)) => {
                pieces.push(Piece::Prose(std::mem::take(&mut prose)));
                open = Some(Block {
                    info: info.trim().to_string(),
                    text: String::new(),
                    line: at + 1,
                });
            }
            (Some(_), Some(_)) => pieces.extend(open.take().map(Piece::Block)),
            (Some(block), None) => block.text.push_str(line),
            (None, None) => prose.push_str(line),
        }
    }
    if let Some(block) = open {
        return Err(format!("line {}: the block does not end", block.line));
    }
    pieces.push(Piece::Prose(prose));
    Ok(pieces)
}

/// The document of these pieces.
pub fn written(pieces: &[Piece]) -> String {
    let piece = |piece: &Piece| match piece {
        Piece::Prose(text) => text.clone(),
        Piece::Block(block) => format!("```{}\n{}```\n", block.info, block.text),
    };
    pieces.iter().map(piece).collect()
}

/// Whether what came is what is shown: line by line, without blanks at line ends. A shown line `...` stands for any number of lines,
/// `...` within a line for any text.
pub fn agrees(shown: &str, came: &str) -> bool {
    let lines = |text: &str| -> Vec<String> {
        let text = text.trim_end();
        text.lines().map(|line| line.trim_end().into()).collect()
    };
    lines_agree(&lines(shown), &lines(came))
}

fn lines_agree(shown: &[String], came: &[String]) -> bool {
    match shown.split_first() {
        None => came.is_empty(),
        Some((first, rest)) if first.trim() == "..." => {
            (0..=came.len()).any(|from| lines_agree(rest, &came[from..]))
        }
        Some((first, rest)) => match came.split_first() {
            Some((line, others)) => line_agrees(first, line) && lines_agree(rest, others),
            None => false,
        },
    }
}

fn line_agrees(shown: &str, came: &str) -> bool {
    match shown.split_once("...") {
        None => shown == came,
        Some((start, rest)) => came.strip_prefix(start).is_some_and(|left| {
            let ends = left.char_indices().map(|(at, _)| at).chain([left.len()]);
            ends.into_iter().any(|at| line_agrees(rest, &left[at..]))
        }),
    }
}

#[test]
fn points_stand_for_what_is_left_out() {
    assert!(agrees("a\n...\nd\n", "a\nb\nc\nd\n"));
    assert!(agrees("took ... ms, 3 steps", "took 1.5 ms, 3 steps"));
    assert!(agrees("a\n...\n", "a\n"));
    assert!(!agrees("a\n...\nd\n", "a\nb\n"));
    assert!(!agrees("a", "a\nb"));
    assert!(!agrees("took ... ms", "took 1.5 s"));
}
