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

impl Seed {
    fn text(&self, limit: usize) -> String {
        self.bytes.iter().take(limit).map(|byte| CHARACTERS[usize::from(*byte) % 32]).collect()
    }

    /// Text of at most so many characters, as a literal.
    pub(crate) fn quoted_text(&self, limit: usize) -> String {
        format!("'{}'", self.text(limit / 2).replace('\\', "\\\\").replace('\'', "''"))
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
    Inet6,
}

pub(crate) fn kinds(mariadb: bool) -> impl Strategy<Value = Kind> {
    let integers = prop::sample::select(vec![
        ("TINYINT", 8),
        ("SMALLINT", 16),
        ("MEDIUMINT", 24),
        ("INT", 32),
        ("BIGINT", 64),
    ]);
    let more = if mariadb { vec![Kind::Uuid, Kind::Inet6] } else { vec![Kind::Json] };
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
            Self::Inet6 => "INET6".into(),
        }
    }

    pub(crate) const fn has_charset(&self) -> bool {
        matches!(self, Self::Char(_) | Self::Varchar(_) | Self::Text(_) | Self::Enum | Self::Set)
    }

    /// Whether an index takes only the start of it, and a default has to be an expression.
    pub(crate) const fn needs_prefix(&self) -> bool {
        matches!(self, Self::Text(_) | Self::Blob(_) | Self::Json | Self::Point)
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
            Self::Inet6 => format!("'2001:db8::{:x}'", number % 65536),
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
            Self::Char(_) | Self::Varchar(_) | Self::Text(_) => "CONCAT('it''s', 1 + 1)".into(),
            Self::Json => "JSON_OBJECT('a', 1)".into(),
            Self::DateTime(_) | Self::Timestamp(_) | Self::Date => "CURRENT_TIMESTAMP()".into(),
            _ => "1 + 0".into(),
        }
    }
}
