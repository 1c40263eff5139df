//! Printing the rows of a dump allocates nothing: not for a cell, not for a row, not for a statement.
//!
//! The driver makes a vector of every row and of every text in it; that is all there is to be.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking, and may say why")]

use std::sync::Arc;

use mysql_async::{Column, Row, Value, consts::ColumnType};
use mysql_common::row::new_row;
use snapdump::internals::{PrintedRows, Value as Literal, push_literal};

/// Rows for the columns of [`PrintedRows`], with everything that takes a way of its own: values to
/// escape, bytes beyond ASCII, documents with numbers, NULL.
fn rows(count: u32) -> Vec<Row> {
    let columns: Arc<[Column]> =
        (0..11).map(|_| Column::new(ColumnType::MYSQL_TYPE_BLOB)).collect();
    let bytes = |text: String| Value::Bytes(text.into_bytes());
    (0..count)
        .map(|n| {
            let mut cells = vec![
                Value::Int(i64::from(n) - 50),
                bytes(format!("-{n}.0{n}")),
                Value::Double(f64::from(n) / 7.0),
                Value::Float(1.0e-7),
                Value::Date(2024, 2, 29, 0, 0, 0, 0),
                Value::Date(2024, 2, 29, 23, 59, 1, n),
                Value::Time(true, 3, 4, 5, 6, 7000),
                bytes(format!("it's \"{n}\"\r\n\\ \0 \u{1f600}")),
                Value::Bytes(vec![b'a', 0xe4, b'z']),
                bytes(format!(
                    "{{\"a\": [{n}, 1.5, \"b\\\"\", null, 18446744073709551615, 0.0000012]}}"
                )),
                Value::Bytes(vec![0, 1, 254, 255]),
            ];
            if n % 5 == 0 {
                cells.fill(Value::NULL);
            }
            new_row(cells, Arc::clone(&columns))
        })
        .collect()
}

/// How often memory was asked for to print so many rows into a buffer that has room.
fn allocations(count: u32) -> u64 {
    let rows = rows(count);
    let printer = PrintedRows::default();
    let mut out = Vec::new();
    printer.print(&mut out, &rows).unwrap();
    let (length, room) = (out.len(), out.capacity());
    out.clear();
    let counted = allocation_counter::measure(|| printer.print(&mut out, &rows).unwrap());
    assert_eq!((out.len(), out.capacity()), (length, room));
    let inserts = out.windows(12).filter(|window| window == b"INSERT INTO ").count();
    assert_eq!(inserts, length.div_ceil(1 << 20), "{length} bytes");
    counted.count_total
}

#[test]
fn printing_rows_allocates_nothing() {
    let few = allocations(10);
    // Several statements.
    let many = allocations(20_000);
    // The head of a statement and the list of columns, made once for a table.
    assert_eq!(few, many);
    assert!(few <= 40, "{few}");
}

#[test]
fn writing_literals_allocates_nothing() {
    let long = vec![b'\''; 100_000];
    let values = [
        Literal::Text(b"it's"),
        Literal::Text(&long),
        Literal::Bytes(&long),
        Literal::Integer(i64::MIN),
        Literal::Double(-1.797_693_134_862_315_7e308),
        Literal::Double(f64::MIN_POSITIVE),
        Literal::Float(f32::MAX),
        Literal::Float(1.0e-45),
        Literal::DateTime(9999, [12, 31, 23, 59, 59], 999_999),
    ];
    let mut out = Vec::with_capacity(1 << 20);
    for value in values {
        out.clear();
        let counted = allocation_counter::measure(|| assert!(push_literal(&mut out, value)));
        assert_eq!(counted.count_total, 0, "{value:.40?}");
        assert!(!out.is_empty());
    }
}
