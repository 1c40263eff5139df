//! What a `/` in text opens.

use super::Dialect;
use super::input::Input;

/// A comment, or something that looks like one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Opener {
    /// Just a slash.
    None,
    /// `/*` of a comment that nobody runs: a plain one, or an executable one that is empty.
    Plain,
    /// `/*+`: no code for the lexer, but not to be lost either.
    Hint,
    /// `/*!` or `/*M!`, so many bytes long; what follows is code.
    Executable { len: usize },
    /// `/*!999999`: executable by its form, for a version that no server has. The servers skip
    /// such a comment with one level of comments inside.
    Never,
}

/// The version that no server has; six digits are the most that servers read.
const NEVER: &[u8] = b"999999";

/// Finds out what the slash at `at` opens; `None` while that needs more bytes.
pub(super) fn comment_opener(input: Input<'_>, at: usize, dialect: Dialect) -> Option<Opener> {
    let rest = input.from(at);
    let cut = if input.end { Some(Opener::Plain) } else { None };
    let len = match (rest, dialect) {
        (b"/", _) if !input.end => return None,
        (b"/*", _) | (b"/*M", Dialect::MariaDb) => return cut,
        ([b'/', b'*', b'+', ..], _) => return Some(Opener::Hint),
        ([b'/', b'*', b'!', ..], _) => 3,
        ([b'/', b'*', b'M', b'!', ..], Dialect::MariaDb) => 4,
        ([b'/', b'*', ..], _) => return Some(Opener::Plain),
        _ => return Some(Opener::None),
    };
    let body = rest.get(len..).unwrap_or_default();
    let digits = body.iter().take(NEVER.len()).take_while(|byte| byte.is_ascii_digit()).count();
    if body.starts_with(NEVER) {
        return Some(Opener::Never);
    }
    match body.get(digits..).unwrap_or_default() {
        [b'*', b'/', ..] | [b' ', b'*', b'/', ..] => Some(Opener::Plain),
        [] | b"*" | b" " | b" *" if !input.end => None,
        _ => Some(Opener::Executable { len }),
    }
}
