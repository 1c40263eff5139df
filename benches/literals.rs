//! How fast values are written as SQL literals, and rows of them: `cargo bench --bench literals`.

#![allow(
    clippy::cast_precision_loss,
    missing_docs,
    reason = "a bench is no part of the API, and its numbers are made up"
)]

use std::hint::black_box;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use snapdump::internals::{Value, push_literal};

/// Values of one kind, and how many bytes they have in their own form.
fn values() -> Vec<(&'static str, Vec<Value<'static>>, u64)> {
    const PLAIN: &[u8] = b"a name of some length without anything special";
    const ESCAPED: &[u8] = b"it's a \"text\"\r\nwith lines and a back\\slash";
    static LONG: [u8; 4096] = [b'x'; 4096];
    let numbers = || (0..1000_i64).map(|i| i.wrapping_mul(0x1E37_79B9_7F4A_7C15));
    let double = |i: i64| i as f64 / 1000.0;
    #[allow(clippy::cast_possible_truncation, reason = "any float will do")]
    let float = |i: i64| i as f32 / 1000.0;
    vec![
        ("plain text", vec![Value::Text(PLAIN); 1000], 1000 * PLAIN.len() as u64),
        ("text to escape", vec![Value::Text(ESCAPED); 1000], 1000 * ESCAPED.len() as u64),
        ("long text", vec![Value::Text(&LONG); 100], 100 * LONG.len() as u64),
        ("bytes", vec![Value::Bytes(&LONG); 100], 100 * LONG.len() as u64),
        ("integers", numbers().map(Value::Integer).collect(), 8000),
        ("doubles", numbers().map(|i| Value::Double(double(i))).collect(), 8000),
        ("floats", numbers().map(|i| Value::Float(float(i))).collect(), 4000),
        ("datetimes", vec![Value::DateTime(2026, [3, 4, 5, 6, 7], 123_456); 1000], 11_000),
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

    let row = [
        Value::Integer(123_456),
        Value::Text(b"name of a customer"),
        Value::DateTime(2026, [3, 4, 5, 6, 7], 0),
        Value::Double(99.25),
        Value::Text(b"it's a text\r\nwith lines and some length"),
        Value::Bytes(b"0123456789abcdef"),
    ];
    let mut group = c.benchmark_group("row");
    group.throughput(Throughput::Elements(1000));
    group.bench_function("mixed", |b| {
        b.iter(|| {
            out.clear();
            for _ in 0..1000 {
                for (column, value) in black_box(&row).iter().enumerate() {
                    out.extend_from_slice(if column == 0 { b"\n(" } else { b"," });
                    push_literal(&mut out, *value);
                }
                out.push(b')');
            }
            black_box(out.len())
        });
    });
    group.finish();
}

criterion_group!(benches, bench);
criterion_main!(benches);
