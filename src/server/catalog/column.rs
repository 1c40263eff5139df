//! Columns: what decides how a value is read and printed.

use std::collections::BTreeSet;

/// A column of a table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Column {
    pub(crate) name: String,
    pub(crate) kind: ColumnKind,
    /// Whether the server computes it, so that no value of it can be inserted.
    pub(crate) generated: Generated,
    /// Whether it takes no NULL.
    pub(crate) not_null: bool,
    /// Whether comparing it with a literal of one of its values follows the order of an index.
    pub(crate) ordered: bool,
    /// Whether a single value can be larger than 64 KiB.
    pub(crate) long: bool,
    /// What the server may not print exactly.
    pub(crate) doubtful: Doubtful,
}

/// Whether a column is generated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Generated {
    No,
    /// Computed when it is read.
    Virtual,
    /// Computed when a row is written, and kept.
    Stored,
}

/// The parts of a column's definition that the server may not print exactly. It prints in
/// three-byte `utf8`: what that does not have is a question mark, and of two codes for the same
/// character it is not told which one is meant.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Doubtful {
    /// How many members it has, if their text is doubtful.
    pub(crate) members: u32,
    /// Whether they are those of a SET.
    pub(crate) set: bool,
    /// Whether the text of the default is doubtful.
    pub(crate) default: bool,
}

/// Character sets of which every character is in three-byte `utf8`, each with one code.
const PRINTED_EXACTLY: [&str; 16] = [
    "ascii", "latin1", "latin2", "latin5", "latin7", "cp850", "cp852", "cp866", "keybcs2", "koi8r",
    "koi8u", "macce", "macroman", "utf8", "utf8mb3", "ucs2",
];

/// Character sets with several codes for one Unicode character.
const MANY_TO_ONE: [&str; 7] = ["armscii8", "big5", "cp932", "eucjpms", "sjis", "tis620", "ujis"];

impl Column {
    /// Its character set, if several codes of that stand for one Unicode character.
    pub(crate) fn shared_codes(&self) -> Option<&str> {
        match &self.kind {
            ColumnKind::Text(Charset::AsciiSuperset(name) | Charset::Other(name)) => {
                MANY_TO_ONE.contains(&name.as_str()).then_some(name)
            }
            _ => None,
        }
    }

    /// A time of row versions.
    pub(super) fn of_period(name: &str) -> Self {
        let column = Self::named(name, ColumnKind::DateTime(6));
        Self { generated: Generated::Stored, ordered: true, ..column }
    }

    /// A column with nothing special about it.
    pub(crate) fn named(name: &str, kind: ColumnKind) -> Self {
        Self {
            name: name.to_owned(),
            kind,
            generated: Generated::No,
            ordered: false,
            long: false,
            not_null: true,
            doubtful: Doubtful::default(),
        }
    }
}

impl Doubtful {
    /// Judges by what the catalogue prints. `default` is the text of a default that is a literal.
    pub(crate) fn of(column_type: &str, charset: Option<&str>, default: Option<&str>) -> Self {
        let Some(charset) = charset.filter(|name| !PRINTED_EXACTLY.contains(name)) else {
            return Self::default();
        };
        let many_to_one = MANY_TO_ONE.contains(&charset);
        let doubtful = |text: &str| text.contains('?') || (many_to_one && !text.is_ascii());
        let set = column_type.starts_with("set(");
        let of_members = set || column_type.starts_with("enum(");
        Self {
            members: if of_members && doubtful(column_type) {
                u32::try_from(members(column_type).count()).unwrap_or(u32::MAX)
            } else {
                0
            },
            set,
            default: default.is_some_and(doubtful),
        }
    }

    /// Whether anything is doubtful.
    pub(crate) const fn any(self) -> bool {
        self.members > 0 || self.default
    }
}

/// The quoted strings of a type, without their quotes; what is escaped in them stays so.
fn members(column_type: &str) -> impl Iterator<Item = &str> {
    let mut rest = column_type;
    std::iter::from_fn(move || {
        let (_, text) = rest.split_once('\'')?;
        let mut bytes = text.bytes().enumerate().peekable();
        while let Some((at, byte)) = bytes.next() {
            if byte == b'\\' {
                bytes.next();
            } else if byte == b'\'' && bytes.next_if(|(_, next)| *next == b'\'').is_none() {
                rest = text.get(at + 1..).unwrap_or_default();
                return text.get(..at);
            }
        }
        None
    })
}

/// Whether the text of each member of an ENUM or SET type leads to that member and no other, in every
/// collation. The server takes the first that is equal: where it only notes that two are (outside
/// strict mode), the second is out of reach by its text. The empty member reads the same as the
/// error value that the server keeps for a wrong one, or as no member of a SET at all.
///
/// It may say no of a type that has no such members: its values are then written as numbers, no worse.
fn members_are_apart(column_type: &str) -> bool {
    // What some collation takes for equal among ASCII characters, or does not look at.
    let key = |member: &str| {
        let looked_at = member.bytes().filter(u8::is_ascii_alphanumeric);
        looked_at
            .map(|byte| match byte.to_ascii_lowercase() {
                b'j' | b'y' => b'i',
                b'v' | b'w' => b'u',
                other => other,
            })
            .collect::<Vec<_>>()
    };
    let mut seen = BTreeSet::new();
    members(column_type).all(|member| {
        let key = key(member);
        member.is_ascii() && !key.is_empty() && seen.insert(key)
    })
}

/// Types whose values compare with a literal as they stand in an index. Others are left out on
/// purpose: an ENUM is sorted by number and compared as text, a literal of a FLOAT is a DOUBLE, and
/// the short numbers of a YEAR mean something else.
const ORDERED_TYPES: [&str; 13] = [
    "tinyint",
    "smallint",
    "mediumint",
    "int",
    "bigint",
    "decimal",
    "date",
    "datetime",
    "timestamp",
    "char",
    "varchar",
    "binary",
    "varbinary",
];

/// Whether values of a data type can be larger than 64 KiB.
pub(super) fn is_long(data_type: &str) -> bool {
    const SHORT: [&str; 8] =
        ["char", "varchar", "binary", "varbinary", "tinytext", "tinyblob", "text", "blob"];
    let kind = ColumnKind::of(data_type, "", Some("utf8mb4"), None);
    matches!(kind, Some(ColumnKind::Text(_) | ColumnKind::Binary | ColumnKind::Vector { .. }))
        && !SHORT.iter().any(|name| name.eq_ignore_ascii_case(data_type))
        && !data_type.eq_ignore_ascii_case("bit")
        && !["enum", "set"].iter().any(|name| name.eq_ignore_ascii_case(data_type))
}

/// Whether values of a data type compare with literals as they stand in an index.
pub(super) fn is_ordered(data_type: &str) -> bool {
    ORDERED_TYPES.iter().any(|name| name.eq_ignore_ascii_case(data_type))
}

/// How the values of a column are printed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum ColumnKind {
    /// Any integer type.
    Integer,
    /// An ENUM or SET whose text does not tell its values apart; the numbers of its members do.
    MemberNumber,
    /// A four-digit year.
    Year,
    /// Exact digits, sent as text.
    Decimal,
    Float,
    Double,
    /// Bits, bytes and geometries: hexadecimal.
    Binary,
    /// A vector: hexadecimal, unless it has no length. No literal is one of those; `DEFAULT` is
    /// where this says so.
    Vector {
        empty_by_default: bool,
    },
    /// Characters in a character set; ENUM and SET too.
    Text(Charset),
    /// `MySQL`'s JSON, printed in utf8mb4.
    Json,
    /// Text that is ASCII by its type: UUID and IP addresses.
    Ascii,
    Date,
    /// DATETIME and TIMESTAMP with that many fraction digits.
    DateTime(u8),
    /// TIME with that many fraction digits.
    Time(u8),
}

/// The character set of a column, as far as printing its bytes depends on it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Charset {
    /// A subset of utf8mb4: the stored bytes are what a literal in the script holds.
    Utf8,
    /// The bytes 0x00 to 0x7F mean what they mean in ASCII, and only they do: text of such bytes
    /// is the same in utf8mb4. Anything else is printed in the character set itself, by name.
    AsciiSuperset(String),
    /// Always printed in the character set itself.
    Other(String),
}

/// Character sets in which a string of ASCII bytes is that ASCII string, and converts back from
/// utf8mb4 to the same bytes. Those where a byte below 0x80 can be half a character, or where a
/// second code maps to the same ASCII character, are left out on purpose.
const ASCII_SUPERSETS: [&str; 25] = [
    "latin1", "latin2", "latin5", "latin7", "greek", "hebrew", "cp1250", "cp1251", "cp1256",
    "cp1257", "cp850", "cp852", "cp866", "koi8r", "koi8u", "keybcs2", "macce", "macroman",
    "armscii8", "geostd8", "dec8", "tis620", "euckr", "gb2312", "ujis",
];

impl Charset {
    pub(crate) fn of(name: &str) -> Self {
        match name {
            "utf8mb4" | "utf8mb3" | "utf8" | "ascii" => Self::Utf8,
            name if ASCII_SUPERSETS.contains(&name) => Self::AsciiSuperset(name.to_owned()),
            name => Self::Other(name.to_owned()),
        }
    }
}

impl ColumnKind {
    /// The kind of an `information_schema.COLUMNS` row, or `None` for a type that is not known.
    pub(crate) fn of(
        data_type: &str,
        column_type: &str,
        charset: Option<&str>,
        precision: Option<u8>,
    ) -> Option<Self> {
        let digits = precision.unwrap_or(0);
        Some(match data_type.to_ascii_lowercase().as_str() {
            "tinyint" | "smallint" | "mediumint" | "int" | "bigint" => Self::Integer,
            "year" => Self::Year,
            "decimal" => Self::Decimal,
            "float" => Self::Float,
            "double" => Self::Double,
            "bit" | "binary" | "varbinary" | "tinyblob" | "blob" | "mediumblob" | "longblob"
            | "geometry" | "point" | "linestring" | "polygon" | "multipoint"
            | "multilinestring" | "multipolygon" | "geometrycollection" | "geomcollection" => {
                Self::Binary
            }
            "vector" => Self::Vector { empty_by_default: false },
            "char" | "varchar" | "tinytext" | "text" | "mediumtext" | "longtext" => {
                match charset? {
                    // A text type with the character set `binary` holds bytes.
                    "binary" => Self::Binary,
                    name => Self::Text(Charset::of(name)),
                }
            }
            // MySQL tells no character set where it is `binary`.
            "enum" | "set" => match charset.map(Charset::of) {
                Some(charset @ (Charset::Utf8 | Charset::AsciiSuperset(_)))
                    if members_are_apart(column_type) =>
                {
                    Self::Text(charset)
                }
                _ => Self::MemberNumber,
            },
            "json" => Self::Json,
            "uuid" | "inet4" | "inet6" => Self::Ascii,
            "date" => Self::Date,
            "datetime" | "timestamp" => Self::DateTime(digits),
            "time" => Self::Time(digits),
            _ => return None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_type_that_is_not_known_has_no_kind() {
        assert_eq!(ColumnKind::of("holograph", "holograph(3)", None, None), None);
    }

    /// S11.
    #[test]
    fn text_with_the_binary_character_set_is_bytes() {
        let kind = ColumnKind::of("TEXT", "text", Some("binary"), None);
        assert_eq!(kind, Some(ColumnKind::Binary));
    }

    /// S11.
    #[test]
    fn members_that_text_does_not_tell_apart_are_numbers() {
        let kind = |column_type: &str, charset: Option<&str>| {
            ColumnKind::of("enum", column_type, charset, None)
        };
        assert_eq!(kind("enum('a')", Some("ascii")), Some(ColumnKind::Text(Charset::Utf8)));
        assert_eq!(kind("enum('a','')", Some("ascii")), Some(ColumnKind::MemberNumber));
        for alike in ["'a','A'", "'b','ä'", "'is','js','x'", "'a b','ab'", "'in','In\t'", "'+','-'"]
        {
            let column_type = format!("enum({alike})");
            assert_eq!(kind(&column_type, Some("utf8mb4")), Some(ColumnKind::MemberNumber));
        }
        let apart = r"enum('it''s','b,c','d''','e\\',',f','0','1','NULL')";
        assert_eq!(kind(apart, Some("latin1")), Some(ColumnKind::Text(Charset::of("latin1"))));
        assert_eq!(kind("enum('a')", Some("cp932")), Some(ColumnKind::MemberNumber));
        assert_eq!(kind("enum('a')", None), Some(ColumnKind::MemberNumber));
    }

    /// S6.
    #[test]
    fn what_three_byte_utf8_does_not_have_is_doubtful() {
        let members = |column_type, charset| Doubtful::of(column_type, Some(charset), None).members;
        assert_eq!(members(r"enum('a','it''s ?','\\','''')", "utf8mb4"), 4);
        assert_eq!(members("enum('a','é')", "utf8mb4"), 0);
        assert_eq!(members("enum('?')", "latin1"), 0);
        assert_eq!(members("set('Ⅰ','b')", "cp932"), 2);
        assert_eq!(members("varchar(5)", "cp932"), 0);
        assert!(Doubtful::of("varchar(5)", Some("utf8mb4"), Some("'?'")).default);
        assert!(!Doubtful::of("varchar(5)", Some("utf8mb4"), Some("'é'")).any());
        assert!(!Doubtful::of("varbinary(5)", None, Some("'?'")).any());
    }

    /// S11.
    #[test]
    fn only_character_sets_with_one_code_for_each_ascii_character_print_as_ascii() {
        assert_eq!(Charset::of("latin1"), Charset::AsciiSuperset("latin1".into()));
        for name in ["sjis", "cp932", "gbk", "big5", "gb18030", "eucjpms", "swe7", "utf16"] {
            assert_eq!(Charset::of(name), Charset::Other(name.into()));
        }
    }
}
