//! Inside quotes and comments: looking for the end.

use memchr::{memchr, memchr2, memchr3};

use super::Splitter;
use super::error::LexError;
use super::input::{Input, Match, matches};
use super::scan::{Flow, Mode};
use crate::sql::is_identifier;

impl Splitter {
    pub(super) fn scan_tag(&mut self, input: Input<'_>) -> Flow {
        loop {
            match input.get(self.pos) {
                Some(b'$') => {
                    self.pos += 1;
                    let len = self.pos.saturating_sub(self.open);
                    self.mode = Mode::Dollar { len, matched: 0 };
                    return Flow::Continue;
                }
                Some(byte) if is_identifier(byte) => {
                    match self.options.charset.step(input.from(self.pos), input.end) {
                        Some(len) => self.pos += len,
                        None => return Flow::Starved,
                    }
                }
                None if !input.end => return Flow::Starved,
                // No quote: what looked like a tag is text like any other.
                _ => {
                    self.pos = self.open + 1;
                    self.mode = Mode::Text;
                    return Flow::Continue;
                }
            }
        }
    }

    /// Looks for the closing `$tag$`, whose first `matched` bytes stand before `pos`.
    ///
    /// A tag may be long, and its end may come in pieces: what has been compared is kept. There is
    /// no `$` inside a tag, so after a difference the next `$` is the next place to compare from.
    pub(super) fn scan_dollar(&mut self, input: Input<'_>, len: usize, matched: usize) -> Flow {
        let mut matched = matched;
        if matched == 0 {
            let Some(found) = memchr(b'$', input.from(self.pos)) else {
                return self.starve(input);
            };
            self.pos += found + 1;
            matched = 1;
        }
        let quote = input.from(self.open).get(..len).unwrap_or_default();
        let wanted = quote.get(matched..).unwrap_or_default();
        let rest = input.from(self.pos);
        let same = rest.iter().zip(wanted).take_while(|(byte, wanted)| byte == wanted).count();
        self.pos += same;
        if same == wanted.len() {
            return self.leave(0);
        }
        let starved = same == rest.len();
        self.mode = Mode::Dollar { len, matched: if starved { matched + same } else { 0 } };
        if starved { Flow::Starved } else { Flow::Continue }
    }

    pub(super) fn scan_quoted(&mut self, input: Input<'_>, quote: u8) -> Flow {
        let escapes = !self.options.no_backslash_escapes
            && match quote {
                b'\'' => true,
                b'"' => !self.options.ansi_quotes,
                _ => false,
            };
        if !self.options.charset.is_ascii_safe() {
            return self.scan_quoted_wide(input, quote, escapes);
        }
        let mut pos = self.pos;
        loop {
            let rest = input.from(pos);
            let found = if escapes { find_either(quote, b'\\', rest) } else { memchr(quote, rest) };
            let Some(found) = found else {
                return self.starve(input);
            };
            pos += found;
            if rest.get(found) == Some(&quote) {
                // Of a doubled quote, the second opens the rest of the string.
                self.pos = pos;
                return self.leave(1);
            }
            // Whatever byte follows, even the first of a wide character: so does the server.
            if pos + 1 >= input.bytes.len() {
                self.pos = pos;
                return Flow::Starved;
            }
            pos += 2;
        }
    }

    fn scan_quoted_wide(&mut self, input: Input<'_>, quote: u8, escapes: bool) -> Flow {
        let charset = self.options.charset;
        loop {
            let rest = input.from(self.pos);
            let found =
                rest.iter().position(|&byte| byte == quote || byte == b'\\' || byte >= 0x80);
            let Some(found) = found else {
                return self.starve(input);
            };
            self.pos += found;
            let len = match input.get(self.pos) {
                Some(byte) if byte == quote => return self.leave(1),
                Some(b'\\') if escapes && self.pos + 1 >= input.bytes.len() => {
                    return Flow::Starved;
                }
                Some(b'\\') if escapes => 2,
                _ => match charset.step(input.from(self.pos), input.end) {
                    Some(len) => len,
                    None => return Flow::Starved,
                },
            };
            self.pos += len;
        }
    }

    pub(super) fn scan_line(&mut self, input: Input<'_>) -> Result<Flow, LexError> {
        match memchr2(b'\n', 0, input.from(self.pos)) {
            Some(found) => {
                self.pos += found;
                match input.get(self.pos) {
                    Some(0) => Err(self.nul(input)),
                    _ => Ok(self.leave(1)),
                }
            }
            None => Ok(self.starve(input)),
        }
    }

    pub(super) fn scan_block(
        &mut self,
        input: Input<'_>,
        spare: u8,
        depth: u8,
    ) -> Result<Flow, LexError> {
        let rest = input.from(self.pos);
        let found =
            if spare > depth { memchr3(b'*', b'/', 0, rest) } else { memchr2(b'*', 0, rest) };
        let Some(found) = found else {
            return Ok(self.starve(input));
        };
        self.pos += found;
        let (pair, depth): (&[u8], _) = match rest.get(found) {
            Some(b'*') => (b"*/", depth.checked_sub(1)),
            Some(b'/') => (b"/*", Some(depth + 1)),
            _ => return Err(self.nul(input)),
        };
        Ok(match (matches(input, self.pos, pair), depth) {
            (Match::Yes, None) => self.leave(2),
            (Match::Yes, Some(depth)) => {
                self.pos += 2;
                self.mode = Mode::Block { spare, depth };
                Flow::Continue
            }
            (Match::No, _) => {
                self.pos += 1;
                Flow::Continue
            }
            (Match::Unsure, _) => Flow::Starved,
        })
    }
}

/// Finds the first of two bytes. Most strings of a dump are short, and so are the distances
/// between escapes: those are found before the vectorised search is even called.
fn find_either(one: u8, other: u8, bytes: &[u8]) -> Option<usize> {
    const NEAR: usize = 16;
    let is_found = |&byte: &u8| byte == one || byte == other;
    match bytes.split_at_checked(NEAR) {
        Some((near, far)) => near
            .iter()
            .position(is_found)
            .or_else(|| memchr2(one, other, far).map(|found| found + NEAR)),
        None => bytes.iter().position(is_found),
    }
}
