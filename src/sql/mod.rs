//! SQL text as bytes: no server, no I/O, nothing asynchronous.
//!
//! [`split`] cuts a script into the statements that the stock clients would send; [`charset`]
//! tells it how wide a character is. Both take whatever bytes they are given and never panic.

pub mod charset;
pub(crate) mod encryption;
pub(crate) mod excerpt;
pub(crate) mod json;
pub(crate) mod keys;
pub(crate) mod literal;
pub(crate) mod needs;
pub(crate) mod one_statement;
pub(crate) mod policy;
pub mod split;
pub(crate) mod statement;
pub(crate) mod token;

/// Whether the server's lexer, in every client character set, sees white space in `byte`.
pub(crate) const fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t'..=b'\r')
}

/// Whether `byte` can be part of an unquoted identifier; bytes above ASCII can.
pub(crate) const fn is_identifier(byte: u8) -> bool {
    matches!(byte, b'0'..=b'9' | b'A'..=b'Z' | b'a'..=b'z' | b'_' | b'$' | 0x80..)
}
