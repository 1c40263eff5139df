//! What this crate writes, cut again: names, literals, comments, and statements made of them.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

use super::*;
use crate::ident::quote_identifier;
use crate::sql::literal::{push_comment, push_double, push_hex, push_integer, push_string};

/// Text of what hurts most, or of anything.
fn texts() -> impl Strategy<Value = Vec<u8>> {
    let pieces = vec![
        "'",
        "''",
        "\\",
        "\\'",
        "\"",
        "`",
        ";",
        "\n",
        "\r\n",
        "\0",
        "--",
        "#",
        "/*",
        "*/",
        "/*!",
        "$$",
        "DELIMITER //\n",
        "é",
        "\u{65e5}",
        "\x1a",
        "%",
        "a",
    ];
    prop_oneof![
        vec(select(pieces), 0..12).prop_map(|pieces| pieces.concat().into_bytes()),
        any::<String>().prop_map(String::into_bytes),
        vec(any::<u8>(), 0..40),
    ]
}

fn names() -> impl Strategy<Value = String> {
    texts().prop_map(|text| String::from_utf8_lossy(&text).into_owned())
}

/// A literal as a row of a dump has it.
fn literals() -> impl Strategy<Value = Vec<u8>> {
    let written = |push: &dyn Fn(&mut Vec<u8>)| {
        let mut out = Vec::new();
        push(&mut out);
        out
    };
    prop_oneof![
        texts().prop_map(move |text| written(&|out| push_string(out, &text))),
        texts().prop_map(move |text| written(&|out| push_hex(out, &text))),
        any::<i64>().prop_map(move |value| written(&|out| push_integer(out, value))),
        any::<f64>()
            .prop_filter("finite", |value| value.is_finite())
            .prop_map(move |value| { written(&|out| assert!(push_double(out, value))) }),
        Just(b"NULL".to_vec()),
    ]
}

/// An INSERT statement of some rows.
fn inserts() -> impl Strategy<Value = Vec<u8>> {
    (names(), vec(vec(literals(), 1..5), 1..5)).prop_map(|(table, rows)| {
        let rows: Vec<Vec<u8>> =
            rows.iter().map(|row| [b"(", &row.join(&b","[..])[..], b")"].concat()).collect();
        let rows = rows.join(&b",\n"[..]);
        [b"INSERT INTO ", quote_identifier(&table).as_bytes(), b" VALUES\n", &rows].concat()
    })
}

fn dialects() -> impl Strategy<Value = Dialect> {
    select(vec![maria().dialect, my8().dialect, my9().dialect])
}

fn statements_of(options: &SplitOptions, script: &[u8], seed: u64) -> Vec<Vec<u8>> {
    let outcome = drive(options, script, &random_cuts(script.len(), seed));
    assert_eq!(outcome.error, None, "{}", show(script));
    outcome.statements.into_iter().map(|(text, _)| text).collect()
}

proptest! {
    #[test]
    fn a_script_of_rows_gives_back_its_statements(
        dialect in dialects(),
        statements in vec((names(), inserts()), 0..4),
        seed: u64,
    ) {
        let mut script = Vec::new();
        for (comment, statement) in &statements {
            push_comment(&mut script, comment.as_bytes());
            script.extend_from_slice(statement);
            script.extend_from_slice(b";\n");
        }
        let found = statements_of(&SplitOptions::new(dialect), &script, seed);
        let wanted: Vec<_> = statements.into_iter().map(|(_, statement)| statement).collect();
        prop_assert_eq!(found, wanted);
    }

    /// Names are quoted in a way that no SQL mode changes.
    #[test]
    fn a_name_is_one_token_in_every_sql_mode(
        name in names(),
        dialect in dialects(),
        no_backslash_escapes: bool,
        ansi_quotes: bool,
        seed: u64,
    ) {
        let options =
            SplitOptions { no_backslash_escapes, ansi_quotes, ..SplitOptions::new(dialect) };
        let statement = format!("DROP TABLE {}", quote_identifier(&name));
        let script = format!("{statement};SELECT 1;");
        let found = statements_of(&options, script.as_bytes(), seed);
        prop_assert_eq!(found, [statement.into_bytes(), b"SELECT 1".to_vec()]);
    }

    /// Strings are written for a mode without `NO_BACKSLASH_ESCAPES`, which the script sets;
    /// `ANSI_QUOTES` does not matter to them.
    #[test]
    fn a_string_is_one_token_under_ansi_quotes(text in texts(), ansi_quotes: bool, seed: u64) {
        let mut statement = b"SELECT ".to_vec();
        push_string(&mut statement, &text);
        let script = [&statement[..], b";SELECT 1;"].concat();
        let options = SplitOptions { ansi_quotes, ..maria() };
        let found = statements_of(&options, &script, seed);
        prop_assert_eq!(found, [statement, b"SELECT 1".to_vec()]);
    }

    /// Bytes in hexadecimal are the same in every mode and every character set.
    #[test]
    fn hexadecimal_is_one_token_everywhere(
        bytes in texts(),
        no_backslash_escapes: bool,
        set in select(vec!["utf8mb4", "latin1", "sjis", "gbk", "gb18030", "big5", "euckr"]),
        seed: u64,
    ) {
        let mut statement = b"SELECT ".to_vec();
        push_hex(&mut statement, &bytes);
        let script = [&statement[..], b";SELECT 1;"].concat();
        let options = SplitOptions { no_backslash_escapes, ..charset(set) };
        let found = statements_of(&options, &script, seed);
        prop_assert_eq!(found, [statement, b"SELECT 1".to_vec()]);
    }
}
