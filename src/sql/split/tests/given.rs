//! What the cases are written in: the options they run under, and statements that stand for a SET.
//!
//! The tests that run the cases through the stock clients include this file too.

use super::*;

/// A script as the tests write it: text, or bytes that are no text.
pub(crate) fn bytes(text: &(impl AsRef<[u8]> + ?Sized)) -> Vec<u8> {
    text.as_ref().to_vec()
}

/// The options most cases run under.
pub(crate) fn maria() -> SplitOptions {
    SplitOptions::new(Dialect::MariaDb)
}

pub(crate) fn my8() -> SplitOptions {
    SplitOptions::new(Dialect::MySql { dollar_quotes: false })
}

pub(crate) fn my9() -> SplitOptions {
    SplitOptions::new(Dialect::MySql { dollar_quotes: true })
}

pub(crate) fn no_backslash() -> SplitOptions {
    SplitOptions { no_backslash_escapes: true, ..maria() }
}

pub(crate) fn ansi() -> SplitOptions {
    SplitOptions { ansi_quotes: true, ..maria() }
}

pub(crate) fn charset(name: &str) -> SplitOptions {
    SplitOptions { charset: Charset::from_name(name).unwrap(), ..maria() }
}

pub(crate) fn limit(max_statement_bytes: usize) -> SplitOptions {
    SplitOptions { max_statement_bytes, ..maria() }
}

pub(crate) fn at(line: u64, byte: u64) -> Position {
    Position { byte, line }
}

pub(crate) fn show(text: &[u8]) -> String {
    text.escape_ascii().to_string()
}

/// What a statement changes in the session, in the shorthand of these tests.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Change {
    Backslash(bool),
    Ansi(bool),
    Charset(Charset),
}

impl Change {
    pub(crate) fn tell(self, splitter: &mut Splitter) {
        match self {
            Self::Backslash(set) => splitter.set_no_backslash_escapes(set),
            Self::Ansi(set) => splitter.set_ansi_quotes(set),
            Self::Charset(charset) => splitter.set_charset(charset),
        }
    }
}

/// Plays the server that runs `text`.
pub(crate) fn react(text: &[u8], mut tell: impl FnMut(Change)) {
    match text {
        b"NOBS" => tell(Change::Backslash(true)),
        b"BS" => tell(Change::Backslash(false)),
        b"ANSI" => tell(Change::Ansi(true)),
        b"NOANSI" => tell(Change::Ansi(false)),
        b"SJIS" => tell(Change::Charset(Charset::Sjis)),
        b"GBK" => tell(Change::Charset(Charset::Gbk)),
        b"UTF8" => tell(Change::Charset(Charset::Utf8)),
        _ => {}
    }
}
