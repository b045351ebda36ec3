//! A place in a text, and the small things that are read there. Blanks within a line never matter.
use super::{BEYOND_SIZE, MOST_INDICES, ParseError, Parsed};

/// A place in a text.
pub struct Cursor<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Cursor<'a> {
    /// The start of a text.
    pub fn new(text: &'a str) -> Cursor<'a> {
        Cursor { text, at: 0 }
    }

    fn rest(&self) -> &'a str {
        self.text.get(self.at..).unwrap_or("")
    }

    fn blanks(&mut self) {
        let rest = self.rest();
        self.at += rest.len() - rest.trim_start_matches([' ', '\t', '\r']).len();
    }

    /// Skips blank lines and comments.
    pub fn blank_lines(&mut self) {
        loop {
            self.blanks();
            let rest = self.rest();
            if rest.starts_with('#') {
                self.at += rest.find('\n').unwrap_or(rest.len());
            } else if rest.starts_with('\n') {
                self.at += 1;
            } else {
                return;
            }
        }
    }

    /// Whether the text ends here.
    pub fn is_at_end(&self) -> bool {
        self.rest().is_empty()
    }

    /// Where the next token starts.
    pub fn place(&mut self) -> usize {
        self.blanks();
        self.at
    }

    /// An error at the next token.
    pub fn error(&mut self, message: impl Into<String>) -> ParseError {
        let place = self.place();
        self.error_at(place, message)
    }

    /// An error at a place.
    pub fn error_at(&self, place: usize, message: impl Into<String>) -> ParseError {
        let before = self.text.get(..place).unwrap_or(self.text);
        let line_start = before.rfind('\n').map_or(0, |at| at + 1);
        ParseError {
            line: before.matches('\n').count() + 1,
            column: before[line_start..].chars().count() + 1,
            message: message.into(),
        }
    }

    /// Whether the next token starts so.
    pub fn sees(&mut self, wanted: &str) -> bool {
        self.blanks();
        self.rest().starts_with(wanted)
    }

    /// Takes a sign if it comes next.
    pub fn takes(&mut self, wanted: &str) -> bool {
        let found = self.sees(wanted);
        if found {
            self.at += wanted.len();
        }
        found
    }

    /// Takes a sign that must come next.
    pub fn expect(&mut self, wanted: &str) -> Parsed<()> {
        if self.takes(wanted) {
            Ok(())
        } else {
            Err(self.error(format!("`{wanted}` is wanted")))
        }
    }

    /// The letters, digits and `_` that come next.
    fn word(&mut self) -> &'a str {
        self.blanks();
        let rest = self.rest();
        let end = rest
            .find(|c: char| !(c.is_ascii_alphanumeric() || c == '_'))
            .unwrap_or(rest.len());
        &rest[..end]
    }

    /// Takes a whole word if it comes next.
    pub fn takes_word(&mut self, wanted: &str) -> bool {
        let found = self.word() == wanted;
        if found {
            self.at += wanted.len();
        }
        found
    }

    /// Takes a whole word that must come next.
    pub fn expect_word(&mut self, wanted: &str) -> Parsed<()> {
        if self.takes_word(wanted) {
            Ok(())
        } else {
            Err(self.error(format!("`{wanted}` is wanted")))
        }
    }

    /// Takes any word.
    pub fn any_word(&mut self, what: &str) -> Parsed<&'a str> {
        let word = self.word();
        if word.is_empty() {
            return Err(self.error(format!("{what} is wanted")));
        }
        self.at += word.len();
        Ok(word)
    }

    /// The number of a name such as `v12`, if one of that letter comes next.
    pub fn peeked(&mut self, letter: char) -> Option<u32> {
        let digits = self.word().strip_prefix(letter)?;
        let plain = digits.bytes().all(|byte| byte.is_ascii_digit());
        plain.then(|| digits.parse().ok()).flatten()
    }

    /// Takes a name such as `v12` and gives its number.
    pub fn numbered(&mut self, letter: char, what: &str) -> Parsed<u32> {
        match self.peeked(letter) {
            Some(number) => {
                self.at += self.word().len();
                Ok(number)
            }
            None => Err(self.error(format!("{what} is wanted"))),
        }
    }

    /// A whole number from 0.
    pub fn natural(&mut self, what: &str) -> Parsed<usize> {
        let word = self.word();
        match word.parse() {
            Ok(number) => {
                self.at += word.len();
                Ok(number)
            }
            Err(_) => Err(self.error(format!("{what} is wanted, a whole number"))),
        }
    }

    /// A size of a dimension.
    pub fn size(&mut self) -> Parsed<usize> {
        let place = self.place();
        let size = self.natural("a size")?;
        if size as u64 >= BEYOND_SIZE as u64 {
            return Err(self.error_at(place, format!("a size is less than {BEYOND_SIZE}")));
        }
        Ok(size)
    }

    /// The number of a dimension.
    pub fn axis(&mut self) -> Parsed<usize> {
        let place = self.place();
        let axis = self.natural("a dimension")?;
        if axis > MOST_INDICES {
            return Err(self.error_at(place, "there is no such dimension"));
        }
        Ok(axis)
    }

    /// The characters of a number or of `inf`, `NaN`, `true`, `false`.
    pub fn number_text(&mut self) -> &'a str {
        self.blanks();
        let rest = self.rest();
        let mut last = ' ';
        let end = rest.find(|c: char| {
            let sign = (c == '-' || c == '+') && (last == ' ' || last == 'e');
            let inside = sign || c == '.' || c.is_ascii_alphanumeric();
            last = c;
            !inside
        });
        let text = &rest[..end.unwrap_or(rest.len())];
        self.at += text.len();
        text
    }

    /// A number with a point, an exponent, or neither.
    pub fn float(&mut self, what: &str) -> Parsed<f64> {
        let place = self.place();
        let text = self.number_text();
        text.parse()
            .map_err(|_| self.error_at(place, format!("{what} is wanted, a number")))
    }

    /// `"text"`, which ends at the last quotation mark of the line.
    pub fn quoted(&mut self) -> Parsed<&'a str> {
        self.expect("\"")?;
        let rest = self.rest();
        let line = &rest[..rest.find('\n').unwrap_or(rest.len())];
        let Some(end) = line.rfind('"') else {
            return Err(self.error("a closing quotation mark is wanted"));
        };
        self.at += end + 1;
        Ok(&line[..end])
    }

    /// Items between two signs, with commas between.
    pub fn list<T>(
        &mut self,
        open: &str,
        close: &str,
        mut item: impl FnMut(&mut Cursor<'a>) -> Parsed<T>,
    ) -> Parsed<Vec<T>> {
        self.expect(open)?;
        let mut items = Vec::new();
        if self.takes(close) {
            return Ok(items);
        }
        loop {
            items.push(item(self)?);
            if !self.takes(",") {
                break;
            }
        }
        self.expect(close)?;
        Ok(items)
    }

    /// Whether the line ends here.
    pub fn sees_end_of_line(&mut self) -> bool {
        self.blanks();
        self.is_at_end() || self.rest().starts_with('\n')
    }

    /// Takes the end of the line.
    pub fn end_of_line(&mut self) -> Parsed<()> {
        if self.is_at_end() || self.takes("\n") {
            Ok(())
        } else {
            Err(self.error("the line should end here"))
        }
    }
}
