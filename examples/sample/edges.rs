//! Rows that stand on the edges of their types.

use super::insert::{hex, text};

/// The columns of `edges` in the order of the INSERT, without `id`.
const COLUMNS: [&str; 23] = [
    "tiny",
    "medium",
    "big",
    "ubig",
    "dec65",
    "single",
    "twofold",
    "day",
    "clock",
    "moment",
    "instant",
    "vintage",
    "bits",
    "choice",
    "several",
    "fixed",
    "latin",
    "wide",
    "words",
    "raw_fixed",
    "raw",
    "doc",
    "shape",
];

/// The lists of values of all rows: one of nothing but NULL, then each edge of each column.
pub(crate) fn rows() -> Vec<String> {
    let columns: Vec<Vec<String>> = COLUMNS.iter().map(|column| values(column)).collect();
    let longest = columns.iter().map(Vec::len).max().unwrap_or_default();
    // The shorter lists end in NULLs, so there is a row with NULL in all columns but the longest.
    (0..=longest)
        .map(|row| {
            let values: Vec<&str> = columns
                .iter()
                .map(|column| column.get(row).map_or("NULL", String::as_str))
                .collect();
            values.join(", ")
        })
        .collect()
}

fn values(column: &str) -> Vec<String> {
    let literals = |all: &[&str]| all.iter().map(ToString::to_string).collect();
    let quoted = |all: &[&str]| all.iter().map(|one| text(one)).collect();
    match column {
        "tiny" => literals(&["-128", "127", "0"]),
        "medium" => literals(&["16777215", "0"]),
        "big" => literals(&["-9223372036854775808", "9223372036854775807", "0", "-1"]),
        "ubig" => literals(&["18446744073709551615", "9223372036854775808", "0"]),
        "dec65" => literals(&[
            "99999999999999999999999999999999999.999999999999999999999999999999",
            "-99999999999999999999999999999999999.999999999999999999999999999999",
            "0.000000000000000000000000000001",
            "-0.000000000000000000000000000001",
            "0",
        ]),
        "single" => singles(),
        "twofold" => doubles(),
        "day" => quoted(&["0000-00-00", "1000-01-01", "9999-12-31", "2024-02-29", "2024-00-00"]),
        "clock" => quoted(&[
            "-838:59:58.999999",
            "838:59:58.999999",
            "-838:59:59",
            "-00:00:00.000001",
            "00:00:00",
            "24:00:00.5",
        ]),
        "moment" => quoted(&[
            "0000-00-00 00:00:00",
            "1000-01-01 00:00:00",
            "9999-12-31 23:59:59.999999",
            "2024-02-29 12:00:00.000001",
            "2023-10-29 01:30:00",
        ]),
        // The last two are an hour that many time zones skip, and one that they have twice.
        "instant" => quoted(&[
            "1970-01-01 00:00:01",
            "2038-01-19 03:14:07.999999",
            "0000-00-00 00:00:00",
            "2024-03-31 02:30:00.000001",
            "2024-10-27 02:30:00.999999",
        ]),
        "vintage" => literals(&["0", "1901", "2155", "1970"]),
        "bits" => {
            literals(&["x'FFFFFFFFFFFFFFFF'", "b'0'", "b'1'", "x'8000000000000000'", "x'27'"])
        }
        // The last is no member: it is kept as '' with the number 0, and '' itself has number 1.
        "choice" => quoted(&["", "a", "b", "no such member"]),
        "several" => quoted(&["", "x", "x,y,z", "z"]),
        "fixed" => quoted(&["", "a", "é😀", "12345678", "\\", "'"]),
        "latin" => latin(),
        "wide" => quoted(&["", "a\0b", "😀 and ß", "\u{FEFF}BOM", "日本語", "trailing  "]),
        "words" => words(),
        "raw_fixed" => [&b""[..], b"\0\0\0\0\0\0\0\0", b"ab\0", b"\xFF\xFE\xFD' \\\n\x1A"]
            .iter()
            .map(|bytes| hex(bytes))
            .collect(),
        "raw" => blobs(),
        "doc" => documents(),
        "shape" => literals(&[
            "ST_GeomFromText('POINT(1.5 -2.25)', 0)",
            "ST_GeomFromText('POINT(10 20)', 4326)",
            "ST_GeomFromText('LINESTRING(0 0, 1 1, 2 0.1)', 0)",
            "ST_GeomFromText('POLYGON((0 0, 10 0, 10 10, 0 10, 0 0), (1 1, 2 1, 2 2, 1 1))', 0)",
            "ST_GeomFromText('GEOMETRYCOLLECTION(POINT(1 1), LINESTRING(0 0, 3 3))', 0)",
        ]),
        _ => Vec::new(),
    }
}

fn singles() -> Vec<String> {
    // All are written as the double that they are: some servers take the shortest text of the
    // greatest float for a number that is out of range.
    [
        f32::MAX,
        f32::MIN,
        f32::MIN_POSITIVE,
        f32::from_bits(1),
        f32::from_bits(0x007F_FFFF),
        0.1,
        16_777_216.0,
        16_777_217.5,
        123_456_789.0,
        -0.333_333_34,
        1.0e-7,
        0.0,
    ]
    .iter()
    .map(|number| format!("{:e}", f64::from(*number)))
    .collect()
}

fn doubles() -> Vec<String> {
    [
        f64::MAX,
        f64::MIN,
        f64::MIN_POSITIVE,
        f64::from_bits(1),
        f64::from_bits(0x000F_FFFF_FFFF_FFFF),
        0.1,
        0.1 + 0.2,
        9_007_199_254_740_993.0,
        1.0 / 3.0,
        -1.0e-300,
        5e15 + 0.5,
        0.0,
    ]
    .iter()
    .map(|number| format!("{number:e}"))
    .collect()
}

fn latin() -> Vec<String> {
    let every_byte: Vec<u8> = (0..=u8::MAX).collect();
    vec![format!("_latin1 {}", hex(&every_byte)), text(""), text("trailing spaces  "), text("Ÿ€œ")]
}

fn words() -> Vec<String> {
    let controls: String = (0..32).map(char::from).collect();
    [
        "",
        " ",
        "\0",
        controls.as_str(),
        "'",
        "\\",
        "\\'",
        "it's \"quoted\" `and` \\escaped\\",
        "line\nline\r\nline\rtab\t\u{1A}\u{8}",
        "👩‍👩‍👧‍👦 🏳️‍🌈 \u{10FFFF} \u{FFFD}",
        "e\u{301} is not é",
        ";\nDELIMITER ;;\n;;\n\\q\n",
        "-- no comment\n# nor this\n/* nor this */ /*!99999 nor this */",
        "NULL",
        "\\N",
        "100%_sure",
    ]
    .iter()
    .map(|one| text(one))
    .collect()
}

fn blobs() -> Vec<String> {
    let every_byte: Vec<u8> = (0..=u8::MAX).collect();
    let long: Vec<u8> = every_byte.iter().copied().cycle().take(60_000).collect();
    [
        Vec::new(),
        every_byte,
        vec![0],
        b"' OR 1=1; --".to_vec(),
        b"\\".to_vec(),
        vec![0xFF; 300],
        long,
        "not only text 😀".as_bytes().to_vec(),
    ]
    .iter()
    .map(|bytes| hex(bytes))
    .collect()
}

fn documents() -> Vec<String> {
    [
        "null",
        "{}",
        "[]",
        "\"\"",
        r#"{"a": 1, "b": [true, false, null], "c": {"d": "e"}}"#,
        r#""quote \" backslash \\ slash \/ control \u0001 emoji 😀""#,
        "[1.5, 1e300, -0.1, 12345678901234567890, -9223372036854775808]",
        "0.1",
        r#"{"": "empty key", "ключ": "Кириллица"}"#,
    ]
    .iter()
    .map(|one| text(one))
    .collect()
}
