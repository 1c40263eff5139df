//! How fast values are written as SQL literals, and rows of them: `cargo bench --bench literals`.

#![allow(
    clippy::cast_precision_loss,
    clippy::expect_used,
    missing_docs,
    reason = "a bench is no part of the API, and its numbers are made up"
)]

use std::hint::black_box;
use std::sync::Arc;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use mysql_async::consts::ColumnType;
use mysql_async::{Column, Row, Value};
use mysql_common::row::new_row;
use snapdump::internals::{PrintedRows, Value as Literal, push_literal};

/// Values of one kind, and how many bytes they have in their own form.
fn values() -> Vec<(&'static str, Vec<Literal<'static>>, u64)> {
    const PLAIN: &[u8] = b"a name of some length without anything special";
    const ESCAPED: &[u8] = b"it's a \"text\"\r\nwith lines and a back\\slash";
    static LONG: [u8; 4096] = [b'x'; 4096];
    let numbers = || (0..1000_i64).map(|i| i.wrapping_mul(0x1E37_79B9_7F4A_7C15));
    let double = |i: i64| i as f64 / 1000.0;
    #[allow(clippy::cast_possible_truncation, reason = "any float will do")]
    let float = |i: i64| i as f32 / 1000.0;
    vec![
        ("plain text", vec![Literal::Text(PLAIN); 1000], 1000 * PLAIN.len() as u64),
        ("text to escape", vec![Literal::Text(ESCAPED); 1000], 1000 * ESCAPED.len() as u64),
        ("long text", vec![Literal::Text(&LONG); 100], 100 * LONG.len() as u64),
        ("bytes", vec![Literal::Bytes(&LONG); 100], 100 * LONG.len() as u64),
        ("integers", numbers().map(Literal::Integer).collect(), 8000),
        ("doubles", numbers().map(|i| Literal::Double(double(i))).collect(), 8000),
        ("floats", numbers().map(|i| Literal::Float(float(i))).collect(), 4000),
        ("datetimes", vec![Literal::DateTime(2026, [3, 4, 5, 6, 7], 123_456); 1000], 11_000),
    ]
}

fn bench(c: &mut Criterion) {
    let mut out = Vec::with_capacity(1 << 20);
    let mut group = c.benchmark_group("literal");
    for (name, values, bytes) in values() {
        group.throughput(Throughput::Bytes(bytes));
        group.bench_function(BenchmarkId::from_parameter(name), |b| {
            b.iter(|| {
                out.clear();
                for value in black_box(&values) {
                    push_literal(&mut out, *value);
                }
                black_box(out.len())
            });
        });
    }
    group.finish();

    let printer = PrintedRows::default();
    for (name, rows) in rows() {
        printer.print(&mut out, &rows).expect("the values are of the columns' types");
        let bytes = out.len() as u64;
        out.clear();
        let mut group = c.benchmark_group("rows");
        group.throughput(Throughput::Bytes(bytes));
        group.bench_function(BenchmarkId::from_parameter(name), |b| {
            b.iter(|| {
                out.clear();
                printer.print(&mut out, black_box(&rows)).is_ok()
            });
        });
        group.finish();
    }
}

/// A thousand rows as the driver gives them, for the columns of [`PrintedRows`].
fn rows() -> [(&'static str, Vec<Row>); 2] {
    let columns: Arc<[Column]> =
        (0..11).map(|_| Column::new(ColumnType::MYSQL_TYPE_BLOB)).collect();
    let bytes = |text: String| Value::Bytes(text.into_bytes());
    let values = |n: u32| {
        vec![
            Value::Int(i64::from(n) * 7919),
            bytes(format!("{n}.25")),
            Value::Double(f64::from(n) / 7.0),
            Value::Float(0.25),
            Value::Date(2024, 2, 29, 0, 0, 0, 0),
            Value::Date(2024, 2, 29, 23, 59, 1, n),
            Value::Time(false, 0, 4, 5, 6, 0),
            bytes(format!("Some text about order {n}, which isn't long")),
            bytes(format!("customer {n} name")),
            bytes(format!(
                "{{\"id\": {n}, \"tags\": [\"a\", \"b\"], \"x\": {}}}",
                f64::from(n) / 3.0
            )),
            Value::Bytes(n.to_le_bytes().repeat(4)),
        ]
    };
    let row = |cells| new_row(cells, Arc::clone(&columns));
    let nothing = || row(vec![Value::NULL; 11]);
    [
        ("of all types", (0..1000).map(|n| row(values(n))).collect()),
        ("of nothing", std::iter::repeat_with(nothing).take(1000).collect()),
    ]
}

criterion_group!(benches, bench);
criterion_main!(benches);
