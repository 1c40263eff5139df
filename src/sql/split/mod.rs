//! Cuts a script into statements, as the `mysql` and `mariadb` clients do in batch mode.
//!
//! The caller feeds bytes and gets ranges of its own buffer back: nothing is copied, nothing is
//! read, and no byte is scanned twice however the input is cut into pieces.
//!
//! ```
//! use snapdump::sql::split::{Dialect, SplitOptions, Splitter, Step};
//!
//! # fn main() -> Result<(), snapdump::sql::split::LexError> {
//! let script = b"DELIMITER ;;\nCREATE TRIGGER t ... BEGIN a; b; END ;;\n";
//! let mut splitter = Splitter::new(SplitOptions::new(Dialect::MariaDb));
//! let mut buffer = &script[..];
//! loop {
//!     match splitter.step(buffer, true)? {
//!         Step::Statement(statement) => {
//!             let sql = &buffer[statement.text.clone()];
//!             assert_eq!(sql, b"CREATE TRIGGER t ... BEGIN a; b; END");
//!             buffer = &buffer[statement.consumed..];
//!         }
//!         Step::Skip { consumed } => buffer = &buffer[consumed..],
//!         Step::More | Step::End => break,
//!     }
//! }
//! # Ok(())
//! # }
//! ```
//!
//! # What is the same as in the clients
//!
//! - A statement ends at the delimiter, compared byte by byte without regard to words. It is
//!   looked for before comments and quotes are, so `DELIMITER #` works, and inside `/*! */` too,
//!   but not in strings, identifiers in quotes, or comments.
//! - `DELIMITER` takes one argument, up to white space or in quotes, and ignores the rest of its
//!   line. `\g` and `\G` end a statement like a delimiter, whatever delimiter is set.
//! - `USE name` on a line of its own is a statement without a delimiter, as in `mariadb` and older
//!   `mysql` clients.
//! - `#` and `--` before white space or a control character start a comment up to the line end, and
//!   `--` between statements does whatever follows; `/*` comments do not nest. `/*!` (in `MariaDB` also `/*M!`) is code. `$tag$` quotes in
//!   `MySQL` from 9.0 on.
//! - In strings a backslash takes the next byte with it unless `NO_BACKSLASH_ESCAPES` is set (in
//!   double quotes, also unless `ANSI_QUOTES` is), never inside backticks.
//!
//! # What differs, where the clients damage a script
//!
//! - Every byte of a statement is kept: comments inside it, `\r\n`, blank lines. Only white space
//!   at both ends and comments before it go. Statements of nothing but comments are not sent.
//! - `DELIMITER` is a command wherever a statement can start, not only at a line start.
//! - `/*!999999 … */`, which no server runs, is a comment, with one level of comments inside, as
//!   the servers skip it; so is an empty `/*! */`. The sandbox line of recent dumps is the first.
//! - `*/` that ends a `/*!` is taken as a whole; in `/*! 1 */*2` no comment starts at its slash.
//! - Backslash commands other than `\g`, `\G` and a `\-` before a statement are errors, and so is
//!   input that ends inside a string, an identifier in quotes, or a comment; a statement that
//!   lacks a delimiter other than `;` at the end; a zero byte outside of quotes; UTF-16.
//!
//! # For whoever changes this
//!
//! - `pos` only moves forward, past bytes that are decided, except when a `$tag` turns out to be
//!   none, which is the only time that bytes are looked at twice. A decision needs a look-ahead of
//!   17 bytes at most (300 for the line of a `USE`); what it needs and does not have makes it wait, never guess.
//! - A test must be made in the same place whether the bytes came in one piece or one by one: the
//!   tests compare all cuts, and both with a second lexer that shares no code with this one.

mod class;
mod delimiter;
mod error;
mod input;
mod inside;
mod lines;
mod measure;
mod opener;
mod scan;
#[cfg(test)]
mod tests;
mod use_line;

use std::fmt;
use std::ops::Range;

pub(crate) use measure::Measured;

pub use error::{Construct, DelimiterFault, LexError, Position};

use self::class::Classes;
use self::delimiter::Delimiter;
use self::input::Input;
use self::lines::Lines;
use self::scan::{Flow, Mode};
use crate::sql::charset::Charset;
use crate::sql::is_space;

/// Whose SQL it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Dialect {
    /// `MySQL`: `/*M!` is a plain comment.
    MySql {
        /// Whether `$tag$` opens a string; servers do so from 9.0 on.
        dollar_quotes: bool,
    },
    /// `MariaDB`: `/*M!` is code like `/*!`.
    MariaDb,
}

/// How a script is to be read.
#[derive(Clone, Debug)]
pub struct SplitOptions {
    /// Whose SQL it is.
    pub dialect: Dialect,
    /// The client character set at the start.
    pub charset: Charset,
    /// Whether `NO_BACKSLASH_ESCAPES` is in the SQL mode at the start.
    pub no_backslash_escapes: bool,
    /// Whether `ANSI_QUOTES` is in the SQL mode at the start.
    pub ansi_quotes: bool,
    /// The longest statement allowed, from its first byte to its delimiter.
    pub max_statement_bytes: usize,
}

impl SplitOptions {
    /// The options for a new session with `dialect`: an ASCII-safe character set, the default
    /// SQL mode, and statements of up to 1 GiB, which is as much as the protocol takes.
    #[must_use]
    pub const fn new(dialect: Dialect) -> Self {
        Self {
            dialect,
            charset: Charset::Utf8,
            no_backslash_escapes: false,
            ansi_quotes: false,
            max_statement_bytes: 1 << 30,
        }
    }
}

/// One statement, as a part of the caller's buffer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Statement {
    /// Its bytes in the buffer, without the delimiter and without white space at both ends.
    /// Never empty.
    pub text: Range<usize>,
    /// How many bytes the caller has to drop from the front before the next call.
    pub consumed: usize,
    /// The place of its first byte.
    pub at: Position,
    /// Its number in the script, from 1.
    pub number: u64,
}

/// What [`Splitter::step`] found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// A statement; drop `consumed` bytes from the front and call again.
    Statement(Statement),
    /// The first `consumed` bytes hold nothing to send (comments, white space, a `DELIMITER`
    /// command): drop them and call again with the rest.
    Skip {
        /// How many bytes to drop from the front; at least 1.
        consumed: usize,
    },
    /// Everything given is scanned. Append more bytes, or say that it is the end.
    More,
    /// The input is done.
    End,
}

/// Where a statement began.
#[derive(Clone, Copy, Debug)]
struct Start {
    offset: usize,
    at: Position,
}

/// Cuts a script into statements; see the [module](self).
#[derive(Clone)]
pub struct Splitter {
    options: SplitOptions,
    classes: Classes,
    delimiter: Delimiter,
    /// The command that set the delimiter, unless it is `;`.
    delimiter_set: Option<Position>,
    mode: Mode,
    /// Up to where the buffer is scanned.
    pos: usize,
    /// The first byte of what `mode` is inside of. It may be consumed already; then `open_at`
    /// is set.
    open: usize,
    open_at: Option<Position>,
    /// The statement that is being scanned. `None` while there was nothing but white space and
    /// plain comments since the last delimiter.
    start: Option<Start>,
    /// Where the `/*!` stands that the scan is inside of, outside of quotes.
    executable: Option<Position>,
    /// The end of the last character of several bytes outside of quotes.
    wide_end: usize,
    lines: Lines,
    statements: u64,
    failed: Option<LexError>,
}

impl fmt::Debug for Splitter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Splitter")
            .field("options", &self.options)
            .field("delimiter", &self.delimiter)
            .field("mode", &self.mode)
            .field("start", &self.start)
            .field("position", &self.position())
            .field("statements", &self.statements)
            .finish_non_exhaustive()
    }
}

impl Splitter {
    /// A splitter at the start of a script.
    #[must_use]
    pub fn new(options: SplitOptions) -> Self {
        let delimiter = Delimiter::semicolon();
        Self {
            classes: classes(&options, &delimiter),
            options,
            delimiter,
            delimiter_set: None,
            mode: Mode::Begin,
            pos: 0,
            open: 0,
            open_at: None,
            start: None,
            executable: None,
            wide_end: 0,
            lines: Lines::new(),
            statements: 0,
            failed: None,
        }
    }

    /// Says whether `NO_BACKSLASH_ESCAPES` is set, from the next statement on.
    ///
    /// The server knows, and tells in the status flags of every answer: call this after each
    /// statement and before the next [`step`](Self::step).
    pub const fn set_no_backslash_escapes(&mut self, set: bool) {
        self.options.no_backslash_escapes = set;
    }

    /// Says whether `ANSI_QUOTES` is set, from the next statement on.
    pub const fn set_ansi_quotes(&mut self, set: bool) {
        self.options.ansi_quotes = set;
    }

    /// Sets the client character set, from the next statement on.
    pub fn set_charset(&mut self, charset: Charset) {
        if charset != self.options.charset {
            self.options.charset = charset;
            self.classes = classes(&self.options, &self.delimiter);
        }
    }

    /// Whether `;` is the delimiter in force.
    #[must_use]
    pub const fn semicolon_delimits(&self) -> bool {
        self.delimiter_set.is_none()
    }

    /// Up to where the script is scanned.
    #[must_use]
    pub const fn position(&self) -> Position {
        self.lines.reached()
    }

    /// Scans on to the end of the next statement.
    ///
    /// `buffer` holds all bytes from the first one that is not consumed yet; those that were
    /// there at the last call must not have changed. `end` says that nothing follows them. What
    /// is found does not depend on how the input is cut into buffers.
    ///
    /// # Errors
    ///
    /// When the script cannot be cut; every later call then gives the same error.
    pub fn step(&mut self, buffer: &[u8], end: bool) -> Result<Step, LexError> {
        if let Some(error) = &self.failed {
            return Err(error.clone());
        }
        let input = Input { bytes: buffer, end };
        let result = self
            .scan(input)
            .and_then(|flow| match flow {
                Flow::Delimiter(len) => self.cut(input, len),
                Flow::Continue | Flow::Starved if end => self.finish(input),
                Flow::Continue | Flow::Starved => self.wait(input),
            })
            // A statement beyond the limit is found when it gets there, in small pieces, or at
            // its end: what is wrong with it further on must not matter.
            .map_err(|error| self.beyond_limit(self.pos).unwrap_or(error));
        if let Err(error) = &result {
            self.failed = Some(error.clone());
        }
        result
    }

    /// Ends the statement at `pos`, where a delimiter of `len` bytes stands.
    fn cut(&mut self, input: Input<'_>, len: usize) -> Result<Step, LexError> {
        if let Some(error) = self.beyond_limit(self.pos) {
            return Err(error);
        }
        let to = self.pos;
        self.pos += len;
        self.lines.place(input.bytes, self.pos);
        self.executable = None;
        Ok(self.emit(input, to))
    }

    /// Gives the statement out that reaches up to `to`, and drops everything up to `pos`.
    fn emit(&mut self, input: Input<'_>, to: usize) -> Step {
        let consumed = self.pos;
        let start = self.start.take();
        self.drop_front(consumed);
        let Some(start) = start else {
            return if consumed > 0 { Step::Skip { consumed } } else { Step::End };
        };
        let text = input.bytes.get(start.offset..to).unwrap_or_default();
        let blank = text.iter().rev().take_while(|&&byte| is_space(byte)).count();
        self.statements += 1;
        Step::Statement(Statement {
            text: start.offset..to.saturating_sub(blank),
            consumed,
            at: start.at,
            number: self.statements,
        })
    }

    /// Nothing follows: what is left is a statement, if it is whole.
    fn finish(&mut self, input: Input<'_>) -> Result<Step, LexError> {
        self.pos = input.bytes.len();
        if let Some(what) = self.mode.construct() {
            let at = self.opened_at(input);
            return Err(LexError::Unclosed { what, at });
        }
        if let Some(error) = self.beyond_limit(self.pos) {
            return Err(error);
        }
        // The server would refuse it, after everything before has been done.
        if let Some(at) = self.executable {
            return Err(LexError::Unclosed { what: Construct::Comment, at });
        }
        if let (Some(start), Some(set_at)) = (self.start, self.delimiter_set) {
            return Err(LexError::Undelimited {
                delimiter: self.delimiter.as_bytes().escape_ascii().to_string(),
                set_at,
                at: start.at,
            });
        }
        self.mode = Mode::Text;
        self.lines.place(input.bytes, self.pos);
        Ok(self.emit(input, self.pos))
    }

    /// Asks for more bytes, or first has those dropped that belong to no statement.
    fn wait(&mut self, input: Input<'_>) -> Result<Step, LexError> {
        if let Some(error) = self.beyond_limit(self.decided()) {
            return Err(error);
        }
        if self.mode.construct().is_some() {
            // Its first byte may be gone when the place is needed.
            self.open_at = Some(self.opened_at(input));
        }
        self.lines.place(input.bytes, self.pos);
        let consumed = self.start.map_or(self.pos, |start| start.offset);
        if consumed == 0 {
            return Ok(Step::More);
        }
        self.drop_front(consumed);
        Ok(Step::Skip { consumed })
    }

    /// Makes every offset relative to what is left after the caller drops `consumed` bytes.
    fn drop_front(&mut self, consumed: usize) {
        self.lines.consume(consumed);
        self.pos = self.pos.saturating_sub(consumed);
        self.open = self.open.saturating_sub(consumed);
        self.wide_end = self.wide_end.saturating_sub(consumed);
        if let Some(start) = &mut self.start {
            start.offset = start.offset.saturating_sub(consumed);
        }
    }

    /// Where that is open which `mode` is inside of.
    fn opened_at(&mut self, input: Input<'_>) -> Position {
        match self.open_at {
            Some(at) => at,
            None => self.lines.place(input.bytes, self.open),
        }
    }

    /// The error if the statement, scanned up to `to`, is longer than allowed.
    fn beyond_limit(&self, to: usize) -> Option<LexError> {
        let start = self.start?;
        let limit = self.options.max_statement_bytes;
        (to.saturating_sub(start.offset) > limit)
            .then_some(LexError::TooLarge { limit, at: start.at })
    }
}

fn classes(options: &SplitOptions, delimiter: &Delimiter) -> Classes {
    let dollar_quotes = options.dialect == Dialect::MySql { dollar_quotes: true };
    Classes::new(delimiter, options.charset, dollar_quotes)
}
