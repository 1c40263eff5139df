//! Types of columns, and values of them.

use std::fmt::Write as _;

use proptest::arbitrary::Arbitrary;
use proptest::collection::vec;
use proptest::prelude::*;

/// What a value is made of, whatever the type: the smallest seed gives the simplest value.
#[derive(Clone, Debug)]
pub(crate) struct Seed {
    number: u64,
    bytes: Vec<u8>,
}

impl Arbitrary for Seed {
    type Parameters = ();
    type Strategy = BoxedStrategy<Self>;

    fn arbitrary_with((): ()) -> Self::Strategy {
        let number = prop_oneof![
            2 => any::<u64>(),
            1 => 0..300u64,
            1 => prop::sample::select(vec![0, u64::MAX, 1 << 63, (1 << 63) - 1, 16_777_216]),
        ];
        (number, vec(any::<u8>(), 0..40)).prop_map(|(number, bytes)| Self { number, bytes }).boxed()
    }
}

/// Characters of text: what has to be escaped, what several character sets have, and what few have.
const CHARACTERS: [&str; 32] = [
    "a", "b", "Z", "0", " ", "'", "\"", "\\", "`", "\n", "\r", "\t", "%", "_", ";", "--", "/*",
    "*/", "?", "\u{1a}", "é", "ß", "ж", "ł", "£", "¥", "ｱ", "漢", "字", "한", "😀", "\u{7f}",
];

/// Which of the characters beyond ASCII a character set has; `None` for all of them.
fn beyond_ascii(charset: &str) -> Option<&'static str> {
    Some(match charset {
        "utf8mb4" | "utf16" | "utf16le" | "utf32" | "gb18030" => return None,
        "utf8mb3" | "ucs2" => "éßжł£¥ｱ漢字한",
        "latin1" | "hp8" => "éß£¥",
        "latin2" => "éßł",
        "cp1251" | "koi8r" => "ж",
        "cp932" | "sjis" | "ujis" | "eucjpms" => "жｱ漢字",
        "gbk" | "big5" => "ж漢字",
        "euckr" => "ж漢字한",
        "gb2312" => "ж字",
        "greek" | "hebrew" => "£",
        _ => "",
    })
}

/// What values need to know of the server.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Features {
    pub(crate) mariadb: bool,
    pub(crate) vectors: bool,
}

impl Seed {
    fn text(&self, limit: usize) -> String {
        self.bytes.iter().take(limit).map(|byte| CHARACTERS[usize::from(*byte) % 32]).collect()
    }

    /// Text of at most so many characters, as a literal.
    pub(crate) fn quoted_text(&self, limit: usize) -> String {
        quoted(&self.text(limit / 2))
    }

    /// The same of what all of these character sets have.
    fn quoted_text_in(&self, limit: usize, charsets: &[&str]) -> String {
        let mut text = self.text(limit / 2);
        for &charset in charsets {
            let Some(known) = beyond_ascii(charset) else { continue };
            // swe7 has letters in the place of some signs.
            let swedish = charset == "swe7";
            text.retain(|c| known.contains(c) || c.is_ascii() && !(swedish && "\\`".contains(c)));
        }
        quoted(&text)
    }

    fn hex(&self, limit: usize) -> String {
        let mut text = String::from("x'");
        for byte in self.bytes.iter().take(limit) {
            write!(text, "{byte:02x}").unwrap();
        }
        text.push('\'');
        text
    }

    fn digits(&self, digits: u32) -> u64 {
        self.number % 10u64.pow(digits)
    }
}

fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\\', "\\\\").replace('\'', "''"))
}

/// A type.
#[derive(Clone, Debug)]
pub(crate) enum Kind {
    Integer { name: &'static str, bits: u32, unsigned: bool },
    Decimal { digits: u32, fraction: u32 },
    Float,
    Double,
    Bit(u32),
    Year,
    Date,
    DateTime(u32),
    Timestamp(u32),
    Time(u32),
    Char(usize),
    Varchar(usize),
    Text(&'static str),
    Binary(usize),
    Varbinary(usize),
    Blob(&'static str),
    Enum,
    Set,
    Json,
    Point,
    Uuid,
    Inet4,
    Inet6,
    Vector(usize),
}

pub(crate) fn kinds(features: Features) -> impl Strategy<Value = Kind> {
    let integers = prop::sample::select(vec![
        ("TINYINT", 8),
        ("SMALLINT", 16),
        ("MEDIUMINT", 24),
        ("INT", 32),
        ("BIGINT", 64),
    ]);
    let mut more = if features.mariadb {
        vec![Kind::Uuid, Kind::Inet4, Kind::Inet6]
    } else {
        vec![Kind::Json]
    };
    if features.vectors {
        more.extend([Kind::Vector(1), Kind::Vector(3)]);
    }
    prop_oneof![
        4 => (integers, any::<bool>())
            .prop_map(|((name, bits), unsigned)| Kind::Integer { name, bits, unsigned }),
        1 => (1..18u32).prop_flat_map(|digits| (Just(digits), 0..=digits))
            .prop_map(|(digits, fraction)| Kind::Decimal { digits, fraction }),
        1 => Just(Kind::Float),
        1 => Just(Kind::Double),
        1 => (1..=64u32).prop_map(Kind::Bit),
        1 => prop::sample::select(vec![Kind::Year, Kind::Date, Kind::Json, Kind::Point]),
        1 => (0..=6u32).prop_map(Kind::DateTime),
        1 => (0..=6u32).prop_map(Kind::Timestamp),
        1 => (0..=6u32).prop_map(Kind::Time),
        2 => (0..30usize).prop_map(Kind::Char),
        3 => (1..80usize).prop_map(Kind::Varchar),
        2 => prop::sample::select(vec!["TINYTEXT", "TEXT", "MEDIUMTEXT", "LONGTEXT"])
            .prop_map(Kind::Text),
        1 => (1..30usize).prop_map(Kind::Binary),
        1 => (1..80usize).prop_map(Kind::Varbinary),
        1 => prop::sample::select(vec!["TINYBLOB", "BLOB", "LONGBLOB"]).prop_map(Kind::Blob),
        2 => prop::sample::select(vec![Kind::Enum, Kind::Set]),
        1 => prop::sample::select(more),
    ]
}

impl Kind {
    pub(crate) fn sql(&self) -> String {
        match self {
            Self::Integer { name, unsigned, .. } => {
                format!("{name}{}", if *unsigned { " UNSIGNED" } else { "" })
            }
            Self::Decimal { digits, fraction } => format!("DECIMAL({digits},{fraction})"),
            Self::Float => "FLOAT".into(),
            Self::Double => "DOUBLE".into(),
            Self::Bit(bits) => format!("BIT({bits})"),
            Self::Year => "YEAR".into(),
            Self::Date => "DATE".into(),
            Self::DateTime(digits) => format!("DATETIME({digits})"),
            Self::Timestamp(digits) => format!("TIMESTAMP({digits})"),
            Self::Time(digits) => format!("TIME({digits})"),
            Self::Char(length) => format!("CHAR({length})"),
            Self::Varchar(length) => format!("VARCHAR({length})"),
            Self::Text(name) | Self::Blob(name) => (*name).into(),
            Self::Binary(length) => format!("BINARY({length})"),
            Self::Varbinary(length) => format!("VARBINARY({length})"),
            Self::Enum => r#"ENUM('a', 'b,c', 'it''s', 'D"')"#.into(),
            Self::Set => r"SET('a', 'b c', 'it''s', '`')".into(),
            Self::Json => "JSON".into(),
            Self::Point => "POINT".into(),
            Self::Uuid => "UUID".into(),
            Self::Inet4 => "INET4".into(),
            Self::Inet6 => "INET6".into(),
            Self::Vector(length) => format!("VECTOR({length})"),
        }
    }

    pub(crate) const fn has_charset(&self) -> bool {
        matches!(self, Self::Char(_) | Self::Varchar(_) | Self::Text(_) | Self::Enum | Self::Set)
    }

    /// Whether an index takes only the start of it, and a default has to be an expression.
    pub(crate) const fn needs_prefix(&self) -> bool {
        matches!(self, Self::Text(_) | Self::Blob(_) | Self::Json | Self::Point | Self::Vector(_))
    }

    /// Whether it can be in an index that is not of a kind of its own.
    pub(crate) const fn takes_index(&self, mariadb: bool) -> bool {
        match self {
            Self::Point | Self::Vector(_) | Self::Char(0) => false,
            Self::Json => mariadb,
            _ => true,
        }
    }

    /// A value as a literal that all of these character sets can say.
    pub(crate) fn literal_in(&self, seed: &Seed, charsets: &[&str]) -> String {
        match self {
            Self::Char(length) | Self::Varchar(length) => seed.quoted_text_in(*length, charsets),
            Self::Text(_) => seed.quoted_text_in(80, charsets),
            _ => self.literal(seed),
        }
    }

    /// A condition that most values meet.
    pub(crate) fn condition(&self, name: &str, seed: &Seed, charsets: &[&str]) -> String {
        let literal = self.literal_in(seed, charsets);
        let length = format!("{name} IS NULL OR LENGTH({name}) < 10000");
        match self {
            Self::Json | Self::Point | Self::Vector(_) | Self::Bit(_) => length,
            // MariaDB takes literals in a table of this character set for bytes, which become other
            // characters in a column of two or four bytes each, and yet others when what it prints
            // is read again.
            _ if charsets.contains(&"binary") => length,
            // MariaDB 11.8 reads such a literal in the time zone of whoever opens the table first.
            Self::Timestamp(_) => length,
            _ if seed.number.is_multiple_of(2) => format!("{name} <> {literal}"),
            _ => format!("{name} NOT IN ({literal}, NULL) OR 1 = 1"),
        }
    }

    /// A value as a literal.
    pub(crate) fn literal(&self, seed: &Seed) -> String {
        let number = seed.number;
        let (day, second) = (number % 28 + 1, number % 60);
        let date = format!("{:04}-{:02}-{day:02}", number / 7 % 3000, number / 3 % 12 + 1);
        let time = format!(
            "{:02}:{:02}:{second:02}.{:06}",
            number / 5 % 24,
            number / 11 % 60,
            number % 1_000_000
        );
        match self {
            Self::Integer { bits, unsigned: true, .. } => (number >> (64 - bits)).to_string(),
            Self::Integer { bits, .. } => (number.cast_signed() >> (64 - bits)).to_string(),
            Self::Decimal { digits, fraction } => {
                let sign = if number % 2 == 1 { "-" } else { "" };
                let whole = seed.digits(digits - fraction);
                let fraction = usize::try_from(*fraction).unwrap();
                let parts = format!("{:018}", number % 10u64.pow(18));
                if fraction == 0 {
                    format!("{sign}{whole}")
                } else {
                    format!("{sign}{whole}.{}", &parts[..fraction])
                }
            }
            Self::Float => {
                let bits = u32::try_from(number >> 32).unwrap();
                let value = f32::from_bits(bits);
                if value.is_finite() { format!("{value:e}") } else { "1.5e0".into() }
            }
            Self::Double => {
                let value = f64::from_bits(number);
                if value.is_finite() { format!("{value:e}") } else { "1.5e0".into() }
            }
            Self::Bit(bits) => format!("b'{:b}'", number >> (64 - bits)),
            Self::Year => (1901 + number % 255).to_string(),
            Self::Date => format!("'{date}'"),
            Self::DateTime(_) => format!("'{date} {time}'"),
            Self::Timestamp(_) => {
                format!("'{}-{:02}-{day:02} {time}'", 1971 + number / 13 % 66, number / 3 % 12 + 1)
            }
            Self::Time(_) => {
                let sign = if number % 2 == 1 { "-" } else { "" };
                format!(
                    "'{sign}{}:{:02}:{second:02}.{:06}'",
                    number / 5 % 838,
                    number / 11 % 60,
                    number % 1_000_000
                )
            }
            Self::Char(length) | Self::Varchar(length) => seed.quoted_text(*length),
            Self::Text(_) => seed.quoted_text(80),
            Self::Binary(length) | Self::Varbinary(length) => seed.hex(*length),
            Self::Blob(_) => seed.hex(40),
            Self::Enum => {
                (["'a'", "'b,c'", "'it''s'", "'D\"'"][usize::try_from(number % 4).unwrap()]).into()
            }
            Self::Set => {
                (["''", "'a'", "'a,it''s'", "'`,b c'"][usize::try_from(number % 4).unwrap()]).into()
            }
            Self::Json => {
                let text = serde_json::json!({
                    "number": number, "text": seed.text(40), "list": [null, true, number % 1000],
                });
                format!("'{}'", text.to_string().replace('\\', "\\\\").replace('\'', "''"))
            }
            Self::Point => format!("ST_GeomFromText('POINT({} {})')", number % 90, second),
            Self::Uuid => {
                let hex = format!("{number:016x}{number:016x}");
                format!(
                    "'{}-{}-{}-{}-{}'",
                    &hex[..8],
                    &hex[8..12],
                    &hex[12..16],
                    &hex[16..20],
                    &hex[20..]
                )
            }
            Self::Inet4 => format!("'10.{}.{}.{}'", number >> 56, number >> 48 & 255, number & 255),
            Self::Inet6 => format!("'2001:db8::{:x}'", number % 65536),
            Self::Vector(length) => {
                let mut text = String::from("x'");
                for place in 0..u32::try_from(*length).unwrap() {
                    let bits = u32::try_from(number.rotate_left(place * 17) >> 32).unwrap();
                    let value = Some(f32::from_bits(bits)).filter(|value| value.is_finite());
                    write!(text, "{:08x}", value.unwrap_or(1.5).to_bits().swap_bytes()).unwrap();
                }
                text.push('\'');
                text
            }
        }
    }

    /// What a generated column of this type is computed from another one by.
    pub(crate) fn expression_of(&self, base: usize) -> String {
        match self {
            Self::Char(_) | Self::Varchar(_) | Self::Text(_) => format!("LEFT(HEX(`c{base}`), 20)"),
            Self::Binary(_) | Self::Varbinary(_) | Self::Blob(_) => {
                format!("LEFT(HEX(`c{base}`), 1)")
            }
            _ => format!("LENGTH(`c{base}`) % 2"),
        }
    }

    /// An expression for a default.
    pub(crate) fn default_expression(&self) -> String {
        match self {
            Self::Char(0..5) | Self::Varchar(0..5) => "CONCAT('', '')".into(),
            Self::Char(_) | Self::Varchar(_) | Self::Text(_) => "CONCAT('it''s', 1 + 1)".into(),
            Self::Binary(_) | Self::Varbinary(_) | Self::Blob(_) => "UNHEX('00FF')".into(),
            Self::Json => "JSON_OBJECT('a', 1)".into(),
            Self::DateTime(_) | Self::Timestamp(_) | Self::Date => "CURRENT_TIMESTAMP()".into(),
            Self::Time(_) => "SEC_TO_TIME(1 + 1)".into(),
            Self::Enum | Self::Set => "CONCAT('a', '')".into(),
            Self::Point => "ST_GeomFromText('POINT(1 2)')".into(),
            Self::Uuid => "UUID()".into(),
            Self::Inet4 => "CONCAT('127.0.0.', 1 + 1)".into(),
            Self::Inet6 => "CONCAT('::', 1 + 1)".into(),
            Self::Vector(length) => format!("UNHEX('{}')", "0000803f".repeat(*length)),
            _ => "1 + 0".into(),
        }
    }
}
