//! Any value as a literal: it is one statement to the splitter, and reads back as what it was.
#![cfg_attr(feature = "libfuzzer", no_main)]

use snapdump::ident::quote_identifier;
use snapdump::internals::{Value, push_comment, push_literal};
use snapdump::sql::charset::Charset;
use snapdump::sql::split::{Dialect, SplitOptions, Splitter, Step};
use snapdump_fuzz::bytes::Front;

/// The first byte is the kind of value, the rest the value.
fn run(data: &[u8]) {
    let mut front = Front::new(data);
    match front.byte() % 6 {
        0 => text(front.rest()),
        1 => bytes(front.rest()),
        2 => numbers(front.rest()),
        3 => name(&String::from_utf8_lossy(front.rest())),
        4 => comment(&String::from_utf8_lossy(front.rest())),
        _ => date(front.rest()),
    }
}

fn literal(value: Value<'_>) -> Vec<u8> {
    let mut out = Vec::new();
    if !push_literal(&mut out, value) {
        assert!(out.is_empty());
    }
    out
}

/// Asserts that a script of `SELECT`, the token and another statement is cut behind the token.
/// Dumps say that they are utf8mb4, so no other character set is asked for.
fn one_token(token: &[u8]) {
    for dialect in [Dialect::MariaDb, Dialect::MySql { dollar_quotes: true }] {
        let script = [b"SELECT ", token, b";SELECT 1;"].concat();
        let options = SplitOptions { charset: Charset::Utf8, ..SplitOptions::new(dialect) };
        let Ok(Step::Statement(first)) = Splitter::new(options).step(&script, true) else {
            panic!("not cut");
        };
        assert_eq!(script[first.text], script[..7 + token.len()]);
    }
}

fn text(text: &[u8]) {
    let token = literal(Value::Text(text));
    one_token(&token);
    let inside = token.strip_prefix(b"'").and_then(|inside| inside.strip_suffix(b"'"));
    let mut rest = inside.unwrap().iter();
    let mut back = Vec::new();
    while let Some(&byte) = rest.next() {
        back.push(match byte {
            b'\'' | b'\n' | b'\r' | 0 => panic!("bare {byte}"),
            b'\\' => match rest.next().unwrap() {
                b'0' => 0,
                b'n' => b'\n',
                b'r' => b'\r',
                b'Z' => 0x1a,
                other => *other,
            },
            byte => byte,
        });
    }
    assert_eq!(back, text);
}

fn bytes(bytes: &[u8]) {
    let token = literal(Value::Bytes(bytes));
    one_token(&token);
    let Some(digits) = token.strip_prefix(b"0x") else {
        return assert!(bytes.is_empty() && token == b"''");
    };
    let digits = std::str::from_utf8(digits).unwrap();
    let back: Vec<u8> = (0..digits.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(&digits[at..at + 2], 16).unwrap())
        .collect();
    assert_eq!(back, bytes);
}

fn numbers(bytes: &[u8]) {
    let Some(&eight) = bytes.first_chunk::<8>() else { return };
    let integer = i64::from_le_bytes(eight);
    let token = literal(Value::Integer(integer));
    one_token(&token);
    assert_eq!(std::str::from_utf8(&token).unwrap().parse(), Ok(integer));

    let double = f64::from_le_bytes(eight);
    let token = literal(Value::Double(double));
    assert_eq!(token.is_empty(), !double.is_finite());
    if double.is_finite() {
        one_token(&token);
        let back: f64 = std::str::from_utf8(&token).unwrap().parse().unwrap();
        assert_eq!(back.to_bits(), double.to_bits());
    }

    let float = f32::from_le_bytes([eight[0], eight[1], eight[2], eight[3]]);
    let token = literal(Value::Float(float));
    assert_eq!(token.is_empty(), !float.is_finite());
    if float.is_finite() {
        one_token(&token);
        // The server reads a DOUBLE and rounds it.
        let back: f64 = std::str::from_utf8(&token).unwrap().parse().unwrap();
        assert!(back.abs() <= f64::from(f32::MAX));
        assert_eq!((back as f32).to_bits(), float.to_bits());
    }
}

fn name(name: &str) {
    let token = quote_identifier(name);
    one_token(token.as_bytes());
    let inside = token.strip_prefix('`').and_then(|inside| inside.strip_suffix('`'));
    assert_eq!(inside.unwrap().replace("``", "`"), name);
}

/// Nothing of a comment is a statement.
fn comment(text: &str) {
    let mut out = Vec::new();
    push_comment(&mut out, text);
    let mut splitter = Splitter::new(SplitOptions::new(Dialect::MariaDb));
    let step = splitter.step(&out, true);
    assert_eq!(step, Ok(Step::Skip { consumed: out.len() }), "{}", out.escape_ascii());
}

fn date(bytes: &[u8]) {
    let Some(&[a, b, month, day, hour, minute, second, c, d, e]) = bytes.first_chunk::<10>() else {
        return;
    };
    let year = u16::from_le_bytes([a, b]);
    let microsecond = u32::from_le_bytes([c, d, e, 0]);
    one_token(&literal(Value::DateTime(year, [month, day, hour, minute, second], microsecond)));
}

snapdump_fuzz::target!(run);
