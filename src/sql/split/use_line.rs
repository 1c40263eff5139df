//! `USE name` on a line of its own, which needs no delimiter.
//!
//! The `mariadb` client and older `mysql` clients take it for a command of theirs, so scripts
//! exist that rely on it. No SQL statement begins like that and goes on.

use memchr::memmem;

use super::delimiter::Delimiter;
use super::input::Input;
use crate::sql::charset::Charset;
use crate::sql::is_identifier;

/// How far the line end is looked for: a name has 64 characters at most.
const LONGEST: usize = 300;

/// Whether such a line stands at a place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum UseLine {
    /// It does; the line feed comes after so many bytes.
    Yes(usize),
    No,
    /// Bytes that have not come yet decide.
    Unsure,
}

/// Looks for the word, a name that is bare or in backticks, and the line end.
pub(super) fn use_line(
    input: Input<'_>,
    at: usize,
    delimiter: &Delimiter,
    charset: Charset,
) -> UseLine {
    let rest = input.from(at);
    let word = rest.get(..3).unwrap_or(rest);
    if !b"use".get(..word.len()).unwrap_or_default().eq_ignore_ascii_case(word) {
        return UseLine::No;
    }
    let near = rest.get(..LONGEST).unwrap_or(rest);
    let Some(len) = memchr::memchr(b'\n', near) else {
        let more = near.len() < LONGEST && !input.end;
        return if more { UseLine::Unsure } else { UseLine::No };
    };
    let line = near.get(..len).unwrap_or_default();
    let plain = charset.is_ascii_safe() || line.is_ascii();
    if plain && is_complete(line) && memmem::find(line, delimiter.as_bytes()).is_none() {
        UseLine::Yes(len)
    } else {
        UseLine::No
    }
}

/// Whether `line` is the word and one name.
fn is_complete(line: &[u8]) -> bool {
    let rest = line.get(3..).unwrap_or_default();
    let argument = rest.trim_ascii();
    if argument.is_empty() || !rest.starts_with(b" ") && !rest.starts_with(b"\t") {
        return false;
    }
    match argument.strip_prefix(b"`").and_then(|name| name.strip_suffix(b"`")) {
        // In pairs only: each is one backtick of the name.
        Some(name) => {
            !name.is_empty()
                && !name.contains(&0)
                && name.split(|&byte| byte != b'`').all(|ticks| ticks.len() % 2 == 0)
        }
        None => argument.iter().all(|&byte| is_identifier(byte)),
    }
}
