//! Which bytes need a look when they stand outside of quotes and comments.

use super::delimiter::Delimiter;
use crate::sql::charset::Charset;

/// The byte may open or end something.
const SPECIAL: u8 = 1;
/// The byte is the first of the delimiter in force (and therefore special).
const DELIMITER: u8 = 2;

/// One class per byte, so that ordinary text costs one table look-up per byte.
#[derive(Clone)]
pub(super) struct Classes([u8; 256]);

impl Classes {
    /// The table for the delimiter in force, the character set, and whether `$tag$` is a quote.
    pub(super) fn new(delimiter: &Delimiter, charset: Charset, dollar_quotes: bool) -> Self {
        let first = delimiter.as_bytes().first().copied();
        let mut byte = 0_u8;
        Self(std::array::from_fn(|_| {
            let mut class = match byte {
                0 | b'\'' | b'"' | b'`' | b'#' | b'-' | b'/' | b'*' | b'\\' => SPECIAL,
                b'$' if dollar_quotes => SPECIAL,
                0x80.. if !charset.is_ascii_safe() => SPECIAL,
                _ => 0,
            };
            if first == Some(byte) {
                class |= SPECIAL | DELIMITER;
            }
            byte = byte.wrapping_add(1);
            class
        }))
    }

    /// Whether the delimiter starts with `byte`.
    pub(super) fn is_delimiter(&self, byte: u8) -> bool {
        self.of(byte) & DELIMITER != 0
    }

    /// Whether `byte` is more than text.
    pub(super) fn is_special(&self, byte: u8) -> bool {
        self.of(byte) != 0
    }

    fn of(&self, byte: u8) -> u8 {
        // A byte is always inside the table; the compiler drops the check.
        self.0.get(usize::from(byte)).copied().unwrap_or(SPECIAL)
    }
}
