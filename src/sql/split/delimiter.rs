//! Delimiters, and the `DELIMITER` command that sets them.

use super::error::{DelimiterFault, LexError};
use super::input::{Input, Match, matches_word};
use super::scan::{Flow, Mode};
use super::{Splitter, classes};
use crate::sql::is_space;

/// The bytes that end a statement: 1 to 15 of them, which is as many as the clients keep.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Delimiter {
    bytes: [u8; Self::MAX],
    len: usize,
}

impl Delimiter {
    const MAX: usize = 15;

    /// The `;` that is in force at the start.
    pub(super) fn semicolon() -> Self {
        Self::copied(b";")
    }

    fn copied(text: &[u8]) -> Self {
        let mut bytes = [0; Self::MAX];
        for (to, from) in bytes.iter_mut().zip(text) {
            *to = *from;
        }
        Self { bytes, len: text.len().min(Self::MAX) }
    }

    /// The delimiter itself; never empty.
    pub(super) fn as_bytes(&self) -> &[u8] {
        self.bytes.get(..self.len).unwrap_or_default()
    }
}

/// Whether the word `DELIMITER`, in any letter case and followed by white space or the end, stands
/// at `at`.
///
/// The clients know the command only at the start of a line, and miss it there after some
/// comments. Here it is one wherever a statement can start, since no SQL statement begins so.
pub(super) fn is_command(input: Input<'_>, at: usize) -> Match {
    matches_word(input, at, b"delimiter")
}

/// The argument of a `DELIMITER` command, as [`parse_argument`] finds it.
enum Argument {
    /// Complete: the delimiter, and how many bytes it takes with its quotes.
    Found(Delimiter, usize),
    /// Not decided by the bytes at hand.
    Unsure,
    /// Not usable.
    Fault(DelimiterFault),
}

/// Reads the argument that starts at `at`, after the white space.
///
/// It ends at white space, or is quoted by `'`, `"` or a backtick. The decision never needs more
/// than 17 bytes.
fn parse_argument(input: Input<'_>, at: usize) -> Argument {
    let rest = input.from(at);
    let (body, quote) = match rest.split_first() {
        Some((&quote @ (b'\'' | b'"' | b'`'), body)) => (body, Some(quote)),
        _ => (rest, None),
    };
    let ends = |byte: u8| match quote {
        Some(quote) => byte == quote || byte == b'\n',
        None => is_space(byte),
    };
    let len = match body.iter().take(Delimiter::MAX + 1).position(|&byte| ends(byte)) {
        Some(len) => len,
        None if body.len() > Delimiter::MAX => return Argument::Fault(DelimiterFault::TooLong),
        None if !input.end => return Argument::Unsure,
        None => body.len(),
    };
    if quote.is_some() && body.get(len) != quote.as_ref() {
        return Argument::Fault(DelimiterFault::Unclosed);
    }
    let text = body.get(..len).unwrap_or_default();
    if text.is_empty() {
        Argument::Fault(DelimiterFault::Missing)
    } else if text.contains(&b'\\') {
        Argument::Fault(DelimiterFault::Backslash)
    } else if text.contains(&0) {
        Argument::Fault(DelimiterFault::Nul)
    } else {
        let quotes = if quote.is_some() { 2 } else { 0 };
        Argument::Found(Delimiter::copied(text), len + quotes)
    }
}

impl Splitter {
    /// White space up to the argument of `DELIMITER`, which stands on the same line.
    pub(super) fn scan_command(&mut self, input: Input<'_>) -> Result<Flow, LexError> {
        let blank = input
            .from(self.pos)
            .iter()
            .take_while(|&&byte| is_space(byte) && byte != b'\n')
            .count();
        self.pos += blank;
        match input.get(self.pos) {
            None if !input.end => Ok(Flow::Starved),
            None | Some(b'\n') => Err(self.delimiter_fault(input, DelimiterFault::Missing)),
            Some(_) => {
                self.mode = Mode::CommandArgument;
                Ok(Flow::Continue)
            }
        }
    }

    pub(super) fn scan_argument(&mut self, input: Input<'_>) -> Result<Flow, LexError> {
        match parse_argument(input, self.pos) {
            Argument::Unsure => Ok(Flow::Starved),
            Argument::Fault(fault) => Err(self.delimiter_fault(input, fault)),
            Argument::Found(delimiter, len) => {
                self.delimiter = delimiter;
                self.delimiter_set = match delimiter.as_bytes() {
                    b";" => None,
                    _ => self.open_at,
                };
                self.classes = classes(&self.options, &delimiter);
                Ok(self.enter(Mode::Line, len))
            }
        }
    }

    fn delimiter_fault(&mut self, input: Input<'_>, fault: DelimiterFault) -> LexError {
        let at = self.opened_at(input);
        LexError::Delimiter { fault, at }
    }
}
