//! Character sets, as far as cutting a script into statements depends on them.
//!
//! In most of the server's character sets a byte below 0x80 is always that ASCII character, so a
//! quote byte is a quote. In a few the second byte of a character may look like ASCII (0x5C, the
//! backslash, in `sjis`; 0x60, the backtick, in `gbk`), and a lexer has to step over whole
//! characters. The ranges here are those by which the server itself recognises a character; a
//! first byte without a proper second one is a character of one byte and swallows nothing.

use thiserror::Error;

/// How wide the characters of a client character set are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Charset {
    /// `utf8mb4` and its subset: what our own words are in.
    #[default]
    Utf8,
    /// Every byte below 0x80 is ASCII in others as well: the single-byte sets, `ujis`, `eucjpms` and
    /// `gb2312`.
    AsciiSafe,
    /// `sjis` and `cp932`.
    Sjis,
    /// `gbk`.
    Gbk,
    /// `gb18030`, with characters of two and four bytes.
    Gb18030,
    /// `big5`.
    Big5,
    /// `euckr`, whose second bytes may be ASCII letters.
    EucKr,
}

/// A character set name that a script cannot be read in.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum CharsetError {
    /// Not a character set of `MySQL` or `MariaDB`.
    #[error("unknown character set {name:?}; name one of the server's, such as utf8mb4")]
    Unknown {
        /// The name as given.
        name: String,
    },
    /// A character set that the servers do not accept from a client.
    #[error("{name} cannot be a client character set; convert the script to utf8mb4")]
    NotForClients {
        /// The name as given.
        name: String,
    },
}

impl Charset {
    /// Finds the character set that the server calls `name`, in any letter case.
    ///
    /// # Errors
    ///
    /// When there is no such character set, or when it is one that a client cannot use
    /// (`ucs2`, `utf16`, `utf16le`, `utf32`).
    pub fn from_name(name: &str) -> Result<Self, CharsetError> {
        match name.to_ascii_lowercase().as_str() {
            "armscii8" | "ascii" | "binary" | "cp1250" | "cp1251" | "cp1256" | "cp1257"
            | "cp850" | "cp852" | "cp866" | "dec8" | "eucjpms" | "gb2312" | "geostd8" | "greek"
            | "hebrew" | "hp8" | "keybcs2" | "koi8r" | "koi8u" | "latin1" | "latin2" | "latin5"
            | "latin7" | "macce" | "macroman" | "swe7" | "tis620" | "ujis" => Ok(Self::AsciiSafe),
            "utf8" | "utf8mb3" | "utf8mb4" => Ok(Self::Utf8),
            "sjis" | "cp932" => Ok(Self::Sjis),
            "gbk" => Ok(Self::Gbk),
            "gb18030" => Ok(Self::Gb18030),
            "big5" => Ok(Self::Big5),
            "euckr" => Ok(Self::EucKr),
            "ucs2" | "utf16" | "utf16le" | "utf32" => {
                Err(CharsetError::NotForClients { name: name.to_owned() })
            }
            _ => Err(CharsetError::Unknown { name: name.to_owned() }),
        }
    }

    /// Whether every byte below 0x80 stands for itself.
    #[must_use]
    pub const fn is_ascii_safe(self) -> bool {
        matches!(self, Self::Utf8 | Self::AsciiSafe)
    }

    /// The length of the character at the front of `bytes`, at least 1; `None` when that depends
    /// on bytes that have not come yet. At the `end` of the input nothing more comes.
    #[must_use]
    pub fn step(self, bytes: &[u8], end: bool) -> Option<usize> {
        let Some((&first, rest)) = bytes.split_first() else {
            return Some(1);
        };
        if !self.is_lead(first) {
            return Some(1);
        }
        match rest {
            [] if !end => None,
            [second, ..] if self.is_trail(*second) => Some(2),
            [b'0'..=b'9', tail @ ..] if self == Self::Gb18030 => match tail {
                [0x81..=0xFE, b'0'..=b'9', ..] => Some(4),
                [] | [0x81..=0xFE] if !end => None,
                _ => Some(1),
            },
            _ => Some(1),
        }
    }

    const fn is_lead(self, byte: u8) -> bool {
        match self {
            Self::Utf8 | Self::AsciiSafe => false,
            Self::Sjis => matches!(byte, 0x81..=0x9F | 0xE0..=0xFC),
            Self::Gbk | Self::Gb18030 | Self::EucKr => matches!(byte, 0x81..=0xFE),
            Self::Big5 => matches!(byte, 0xA1..=0xF9),
        }
    }

    const fn is_trail(self, byte: u8) -> bool {
        match self {
            Self::Utf8 | Self::AsciiSafe => false,
            Self::Sjis => matches!(byte, 0x40..=0x7E | 0x80..=0xFC),
            Self::Gbk | Self::Gb18030 => matches!(byte, 0x40..=0x7E | 0x80..=0xFE),
            Self::Big5 => matches!(byte, 0x40..=0x7E | 0xA1..=0xFE),
            Self::EucKr => matches!(byte, b'A'..=b'Z' | b'a'..=b'z' | 0x81..=0xFE),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_known_in_any_case() {
        assert_eq!(Charset::from_name("UTF8MB4"), Ok(Charset::Utf8));
        assert_eq!(Charset::from_name("latin1"), Ok(Charset::AsciiSafe));
        assert_eq!(Charset::from_name("cp932"), Ok(Charset::Sjis));
        assert!(matches!(Charset::from_name("utf16le"), Err(CharsetError::NotForClients { .. })));
        assert!(matches!(Charset::from_name("klingon"), Err(CharsetError::Unknown { .. })));
    }

    #[test]
    fn a_broken_character_is_one_byte() {
        assert_eq!(Charset::Sjis.step(b"\x83\\", false), Some(2));
        assert_eq!(Charset::Sjis.step(b"\x83'", false), Some(1));
        assert_eq!(Charset::Sjis.step(b"\xB1\\", false), Some(1));
        assert_eq!(Charset::Sjis.step(b"\x83", false), None);
        assert_eq!(Charset::Sjis.step(b"\x83", true), Some(1));
        assert_eq!(Charset::Big5.step(b"\xA1\x80", false), Some(1));
        assert_eq!(Charset::EucKr.step(b"\xB0\\", false), Some(1));
        assert_eq!(Charset::Utf8.step(b"\xE3\x81\x82", false), Some(1));
    }

    #[test]
    fn gb18030_has_characters_of_four_bytes() {
        assert_eq!(Charset::Gb18030.step(b"\x81\x30\x81\x30", false), Some(4));
        assert_eq!(Charset::Gb18030.step(b"\x81\x30\x81", false), None);
        assert_eq!(Charset::Gb18030.step(b"\x81\x30", false), None);
        assert_eq!(Charset::Gb18030.step(b"\x81\x30", true), Some(1));
        assert_eq!(Charset::Gb18030.step(b"\x81\x30\x81'", false), Some(1));
        assert_eq!(Charset::Gb18030.step(b"\x81\x60", false), Some(2));
    }
}
