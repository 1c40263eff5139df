//! What makes a script impossible to cut, and where.

use std::fmt;

use thiserror::Error;

/// A place in the input.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Position {
    /// Bytes before it, from the start of the input (a byte order mark counts).
    pub byte: u64,
    /// Its line, from 1. Only a line feed ends a line, as in the clients.
    pub line: u64,
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}, byte {}", self.line, self.byte)
    }
}

/// Something that is opened and has to be closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Construct {
    /// A string in single quotes.
    SingleQuotes,
    /// A string or, under `ANSI_QUOTES`, an identifier in double quotes.
    DoubleQuotes,
    /// An identifier in backticks.
    Backticks,
    /// A `/*` comment.
    Comment,
    /// A `$tag$` string.
    DollarQuotes,
}

impl fmt::Display for Construct {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::SingleQuotes => "single-quoted string",
            Self::DoubleQuotes => "double-quoted string",
            Self::Backticks => "backtick-quoted identifier",
            Self::Comment => "comment",
            Self::DollarQuotes => "dollar-quoted string",
        })
    }
}

/// What is wrong with the argument of a `DELIMITER` command.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Error)]
#[non_exhaustive]
pub enum DelimiterFault {
    /// There is none on the line, or an empty one in quotes.
    #[error("it needs an argument on the same line")]
    Missing,
    /// A quote opens it and does not close on the line.
    #[error("the quote around its argument is not closed on the line")]
    Unclosed,
    /// It has more than 15 bytes; the clients would cut it off.
    #[error("its argument is longer than 15 bytes")]
    TooLong,
    /// It holds a backslash, which the clients refuse.
    #[error("its argument must not contain a backslash")]
    Backslash,
    /// It holds a zero byte.
    #[error("its argument contains a zero byte")]
    Nul,
}

/// Why a script cannot be cut into statements.
///
/// Nothing is guessed: wherever the stock clients would send half a statement, or swallow one,
/// there is an error instead.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum LexError {
    /// The input is UTF-16 (or UTF-32): it starts with that byte order mark.
    #[error("the script starts with a UTF-16 byte order mark ({at}); convert it to UTF-8")]
    Utf16 {
        /// The mark.
        at: Position,
    },
    /// A zero byte outside of quotes.
    #[error(
        "zero byte outside of a string at {at}; the script is damaged, or it is UTF-16 and has to be converted to UTF-8"
    )]
    Nul {
        /// The byte.
        at: Position,
    },
    /// The input ends inside something.
    #[error(
        "the {what} opened at {at} is still open at the end; the script is cut off, or its quoting does not fit the SQL mode"
    )]
    Unclosed {
        /// What is open.
        what: Construct,
        /// Its first byte.
        at: Position,
    },
    /// A backslash outside of quotes: a command to the client, or nothing at all.
    #[error("{} at {at} is a client command, which is never run; remove it", backslash(*.command))]
    ClientCommand {
        /// The byte after the backslash, when it is a printable ASCII character.
        command: Option<char>,
        /// The backslash.
        at: Position,
    },
    /// A `DELIMITER` command that cannot be followed.
    #[error("delimiter command at {at} cannot be used: {fault}")]
    Delimiter {
        /// What is wrong with it.
        fault: DelimiterFault,
        /// The first byte of the word.
        at: Position,
    },
    /// The input ends before the delimiter that a `DELIMITER` command has set.
    #[error(
        "the statement at {at} is not ended by the delimiter {delimiter} set at {set_at}; the script is cut off or lacks it at its end"
    )]
    Undelimited {
        /// The delimiter, non-ASCII bytes escaped.
        delimiter: String,
        /// The `DELIMITER` command.
        set_at: Position,
        /// The statement's first byte.
        at: Position,
    },
    /// A statement beyond the limit.
    #[error(
        "the statement at {at} is longer than {limit} bytes; raise the limit if it is meant to be"
    )]
    TooLarge {
        /// The limit in bytes.
        limit: usize,
        /// The statement's first byte.
        at: Position,
    },
}

impl LexError {
    /// The place to look at.
    #[must_use]
    pub const fn position(&self) -> Position {
        match self {
            Self::Utf16 { at }
            | Self::Nul { at }
            | Self::Unclosed { at, .. }
            | Self::ClientCommand { at, .. }
            | Self::Delimiter { at, .. }
            | Self::Undelimited { at, .. }
            | Self::TooLarge { at, .. } => *at,
        }
    }
}

fn backslash(command: Option<char>) -> String {
    command.map_or_else(|| "a backslash".to_owned(), |c| format!("\\{c}"))
}
