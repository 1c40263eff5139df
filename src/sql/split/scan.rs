//! The states of the scan, and what each does with the next bytes.

use super::delimiter::is_command;
use super::error::{Construct, LexError};
use super::input::{Input, Match, matches};
use super::opener::{Opener, comment_opener};
use super::use_line::{UseLine, use_line};
use super::{Dialect, Splitter, Start};
use crate::sql::{is_identifier, is_space};

/// How much longer than a statement what may be the opening `$tag$` of a string is looked at, in bytes.
const LONGEST_TAG: usize = 1 << 16;

/// What the scan is inside of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mode {
    /// Before the first byte.
    Begin,
    /// Outside of quotes and comments.
    Text,
    /// A string or identifier, in this quote byte.
    Quoted(u8),
    /// A comment up to the line end, or what follows the argument of `DELIMITER`.
    Line,
    /// A `/*` comment, inside of which this many levels of comments can still open, and have.
    Block { spare: u8, depth: u8 },
    /// Between `$` and the `$` that would make it a quote.
    Tag,
    /// A `$tag$` string; the opening quote has `len` bytes, and the last `matched` bytes before
    /// `pos` are the first of a closing one.
    Dollar { len: usize, matched: usize },
    /// Between the word `DELIMITER` and its argument.
    CommandSpace,
    /// At the argument of `DELIMITER`.
    CommandArgument,
}

impl Mode {
    /// What must be closed before the input may end.
    pub(super) const fn construct(self) -> Option<Construct> {
        match self {
            Self::Quoted(b'\'') => Some(Construct::SingleQuotes),
            Self::Quoted(b'"') => Some(Construct::DoubleQuotes),
            Self::Quoted(_) => Some(Construct::Backticks),
            Self::Block { .. } => Some(Construct::Comment),
            Self::Dollar { .. } => Some(Construct::DollarQuotes),
            _ => None,
        }
    }
}

/// How the scan goes on.
#[derive(Clone, Copy, Debug)]
pub(super) enum Flow {
    /// With the next byte, in whatever state it is now.
    Continue,
    /// Not without more bytes.
    Starved,
    /// The statement ends at `pos`, with a delimiter of so many bytes.
    Delimiter(usize),
}

impl Splitter {
    /// Scans until a statement ends or bytes are missing.
    pub(super) fn scan(&mut self, input: Input<'_>) -> Result<Flow, LexError> {
        loop {
            let flow = match self.mode {
                Mode::Begin => self.scan_mark(input)?,
                Mode::Text if self.start.is_none() => self.scan_between(input)?,
                Mode::Text => self.scan_text(input)?,
                Mode::Quoted(quote) => self.scan_quoted(input, quote),
                Mode::Line => self.scan_line(input)?,
                Mode::Block { spare, depth } => self.scan_block(input, spare, depth)?,
                Mode::Tag => self.scan_tag(input),
                Mode::Dollar { len, matched } => self.scan_dollar(input, len, matched),
                Mode::CommandSpace => self.scan_command(input)?,
                Mode::CommandArgument => self.scan_argument(input)?,
            };
            match flow {
                Flow::Continue => {}
                // Without a statement the delimiter ends nothing.
                Flow::Delimiter(len) if self.start.is_none() => self.pos += len,
                Flow::Starved | Flow::Delimiter(_) => return Ok(flow),
            }
        }
    }

    /// Up to where no byte can be scanned in another way.
    pub(super) const fn decided(&self) -> usize {
        match self.mode {
            // One that is much longer than any statement may be is refused, whatever it turns out to
            // be: it would be kept for that.
            Mode::Tag
                if self.pos.saturating_sub(self.open)
                    <= self.options.max_statement_bytes.saturating_add(LONGEST_TAG) =>
            {
                self.open
            }
            _ => self.pos,
        }
    }

    /// Removes a byte order mark, which only the start of the input can have.
    fn scan_mark(&mut self, input: Input<'_>) -> Result<Flow, LexError> {
        match matches(input, 0, b"\xEF\xBB\xBF") {
            Match::Yes => self.pos = 3,
            Match::Unsure => return Ok(Flow::Starved),
            Match::No => {}
        }
        // UTF-32 starts with one of these too, or with a zero byte.
        for mark in [b"\xFE\xFF", b"\xFF\xFE"] {
            match matches(input, 0, mark) {
                Match::Yes => {
                    let at = self.lines.place(input.bytes, 0);
                    return Err(LexError::Utf16 { at });
                }
                Match::Unsure => return Ok(Flow::Starved),
                Match::No => {}
            }
        }
        self.mode = Mode::Text;
        Ok(Flow::Continue)
    }

    /// Between statements: white space goes, and `DELIMITER` is a command.
    fn scan_between(&mut self, input: Input<'_>) -> Result<Flow, LexError> {
        let blank = input
            .from(self.pos)
            .iter()
            .take_while(|&&byte| is_space(byte) && !self.classes.is_delimiter(byte))
            .count();
        self.pos += blank;
        let Some(byte) = input.get(self.pos) else {
            return Ok(Flow::Starved);
        };
        match is_command(input, self.pos) {
            Match::Yes => {
                self.open_at = Some(self.lines.place(input.bytes, self.pos));
                self.pos += b"delimiter".len();
                self.mode = Mode::CommandSpace;
                Ok(Flow::Continue)
            }
            Match::Unsure => Ok(Flow::Starved),
            // Before the delimiter, which may begin with the same letter.
            Match::No => match use_line(input, self.pos, &self.delimiter, self.options.charset) {
                UseLine::Yes(len) => {
                    self.code(input, len);
                    Ok(Flow::Delimiter(1))
                }
                UseLine::Unsure => Ok(Flow::Starved),
                UseLine::No if self.classes.is_special(byte) => self.scan_special(input, byte),
                UseLine::No => Ok(self.code(input, 1)),
            },
        }
    }

    /// Inside a statement: runs to the next byte that may mean something. Most of those in a dump
    /// are quotes and minus signs, which is why they are passed right here.
    fn scan_text(&mut self, input: Input<'_>) -> Result<Flow, LexError> {
        loop {
            let rest = input.from(self.pos);
            let special =
                rest.iter().position(|&byte| self.classes.is_special(byte)).unwrap_or(rest.len());
            self.pos += special;
            match rest.get(special..) {
                Some(&[quote @ (b'\'' | b'"' | b'`'), ..]) if !self.classes.is_delimiter(quote) => {
                    self.enter(Mode::Quoted(quote), 1);
                    if let Flow::Starved = self.scan_quoted(input, quote) {
                        return Ok(Flow::Starved);
                    }
                }
                Some(&[b'-', next, ..]) if next != b'-' && !self.classes.is_delimiter(b'-') => {
                    self.pos += 1;
                }
                Some(&[byte, ..]) => return self.scan_special(input, byte),
                _ => return Ok(Flow::Starved),
            }
        }
    }

    /// At a byte of text that the table marks; the delimiter comes before everything else.
    fn scan_special(&mut self, input: Input<'_>, byte: u8) -> Result<Flow, LexError> {
        if self.classes.is_delimiter(byte) {
            let delimiter = self.delimiter.as_bytes();
            match matches(input, self.pos, delimiter) {
                Match::Yes => return Ok(Flow::Delimiter(delimiter.len())),
                Match::Unsure => return Ok(Flow::Starved),
                Match::No => {}
            }
        }
        match byte {
            b'\'' | b'"' | b'`' => {
                self.code(input, 0);
                Ok(self.enter(Mode::Quoted(byte), 1))
            }
            b'#' => Ok(self.enter(Mode::Line, 1)),
            b'-' => Ok(self.scan_dashes(input)),
            b'/' => Ok(self.scan_slash(input)),
            b'*' if self.executable.is_some() => Ok(match matches(input, self.pos, b"*/") {
                Match::Yes => {
                    self.executable = None;
                    self.code(input, 2)
                }
                Match::Unsure => Flow::Starved,
                Match::No => self.code(input, 1),
            }),
            b'\\' => self.scan_backslash(input),
            b'$' => Ok(self.scan_dollar_sign(input)),
            0 => Err(self.nul(input)),
            0x80.. => Ok(self.scan_wide(input)),
            // The first byte of a delimiter that is not there.
            _ if self.start.is_none() && is_space(byte) => {
                self.pos += 1;
                Ok(Flow::Continue)
            }
            _ => Ok(self.code(input, 1)),
        }
    }

    /// `--` is a comment before white space, a control character or the end: `5--1` is a sum. No
    /// statement begins with a sum, so between statements it is one whatever follows.
    fn scan_dashes(&mut self, input: Input<'_>) -> Flow {
        match matches(input, self.pos, b"--") {
            Match::Yes if self.start.is_none() => return self.enter(Mode::Line, 2),
            Match::Yes => {}
            Match::Unsure => return Flow::Starved,
            Match::No => return self.code(input, 1),
        }
        match input.get(self.pos + 2) {
            None if !input.end => Flow::Starved,
            Some(byte) if !is_space(byte) && !byte.is_ascii_control() => self.code(input, 1),
            _ => self.enter(Mode::Line, 2),
        }
    }

    fn scan_slash(&mut self, input: Input<'_>) -> Flow {
        let Some(opener) = comment_opener(input, self.pos, self.options.dialect) else {
            return Flow::Starved;
        };
        match opener {
            Opener::None => self.code(input, 1),
            Opener::Executable { len } => {
                self.executable = Some(self.lines.place(input.bytes, self.pos));
                self.code(input, len)
            }
            Opener::Plain => self.enter(Mode::Block { spare: 0, depth: 0 }, 2),
            Opener::Never => self.enter(Mode::Block { spare: 1, depth: 0 }, 2),
            Opener::Hint => {
                self.code(input, 0);
                self.enter(Mode::Block { spare: 0, depth: 0 }, 2)
            }
        }
    }

    /// A backslash in text speaks to the client, except in `\N`, which is another `NULL`.
    fn scan_backslash(&mut self, input: Input<'_>) -> Result<Flow, LexError> {
        match input.get(self.pos + 1) {
            None if !input.end => Ok(Flow::Starved),
            Some(b'N') => Ok(self.code(input, 2)),
            Some(b'g' | b'G') => Ok(Flow::Delimiter(2)),
            // Older MariaDB dumps switch the client to sandbox mode with it. There is none here.
            Some(b'-') if self.start.is_none() => {
                self.pos += 2;
                Ok(Flow::Continue)
            }
            command => Err(LexError::ClientCommand {
                command: command.filter(u8::is_ascii_graphic).map(char::from),
                at: self.lines.place(input.bytes, self.pos),
            }),
        }
    }

    /// `$` opens a tag unless it stands inside an identifier.
    fn scan_dollar_sign(&mut self, input: Input<'_>) -> Flow {
        let inside = self.start.is_some_and(|start| self.pos > start.offset)
            && (self.wide_end == self.pos
                || input.get(self.pos.saturating_sub(1)).is_some_and(is_identifier));
        let dollar_quotes = self.options.dialect == Dialect::MySql { dollar_quotes: true };
        if inside || !dollar_quotes {
            return self.code(input, 1);
        }
        self.code(input, 0);
        self.enter(Mode::Tag, 1)
    }

    /// A character of several bytes, none of which is anything else.
    fn scan_wide(&mut self, input: Input<'_>) -> Flow {
        let charset = self.options.charset;
        let Some(len) = charset.step(input.from(self.pos), input.end) else {
            return Flow::Starved;
        };
        let flow = self.code(input, len);
        self.wide_end = self.pos;
        flow
    }

    /// Moves over `len` bytes of a statement, which starts here if it has not yet.
    pub(super) fn code(&mut self, input: Input<'_>, len: usize) -> Flow {
        if self.start.is_none() {
            self.start =
                Some(Start { offset: self.pos, at: self.lines.place(input.bytes, self.pos) });
        }
        self.pos += len;
        Flow::Continue
    }

    /// Enters `mode`, the first `len` bytes of which are at `pos`.
    pub(super) fn enter(&mut self, mode: Mode, len: usize) -> Flow {
        self.open = self.pos;
        self.open_at = None;
        self.pos += len;
        self.mode = mode;
        Flow::Continue
    }

    /// Goes back to text after the `len` bytes at `pos`.
    pub(super) fn leave(&mut self, len: usize) -> Flow {
        self.pos += len;
        self.mode = Mode::Text;
        Flow::Continue
    }

    /// Everything at hand is scanned.
    pub(super) fn starve(&mut self, input: Input<'_>) -> Flow {
        self.pos = input.bytes.len().max(self.pos);
        Flow::Starved
    }

    pub(super) fn nul(&mut self, input: Input<'_>) -> LexError {
        LexError::Nul { at: self.lines.place(input.bytes, self.pos) }
    }
}
