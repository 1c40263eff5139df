//! The bytes of one call, and looking ahead in them without running past their end.

use crate::sql::is_space;

/// What the caller has so far.
#[derive(Clone, Copy)]
pub(super) struct Input<'a> {
    /// Everything from the first byte that is not consumed.
    pub(super) bytes: &'a [u8],
    /// Nothing follows.
    pub(super) end: bool,
}

impl<'a> Input<'a> {
    /// The bytes from `at` on; none beyond the end.
    pub(super) fn from(self, at: usize) -> &'a [u8] {
        self.bytes.get(at..).unwrap_or_default()
    }

    /// The byte at `at`, if it is there.
    pub(super) fn get(self, at: usize) -> Option<u8> {
        self.bytes.get(at).copied()
    }
}

/// Whether something stands at a place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Match {
    /// It does.
    Yes,
    /// It does not.
    No,
    /// Bytes that have not come yet decide.
    Unsure,
}

/// Whether exactly `pattern` stands at `at`.
pub(super) fn matches(input: Input<'_>, at: usize, pattern: &[u8]) -> Match {
    let rest = input.from(at);
    if rest.starts_with(pattern) {
        Match::Yes
    } else if !input.end && pattern.starts_with(rest) {
        Match::Unsure
    } else {
        Match::No
    }
}

/// Whether the lower-case `word` stands at `at` in any letter case, with white space or the end of
/// the input behind it.
pub(super) fn matches_word(input: Input<'_>, at: usize, word: &[u8]) -> Match {
    let rest = input.from(at);
    let same = rest
        .iter()
        .zip(word)
        .take_while(|(byte, wanted)| byte.eq_ignore_ascii_case(wanted))
        .count();
    match rest.get(same) {
        Some(&byte) if same == word.len() && is_space(byte) => Match::Yes,
        None if !input.end => Match::Unsure,
        None if same == word.len() => Match::Yes,
        Some(_) | None => Match::No,
    }
}
