//! How fast scripts are cut into statements, on one core: `cargo bench --bench splitter`.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    missing_docs,
    reason = "a bench fails by panicking, and is no part of the API"
)]

use std::hint::black_box;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use snapdump::sql::charset::Charset;
use snapdump::sql::split::{Dialect, SplitOptions, Splitter, Step};

/// As much text as a restore hands over at a time.
const PIECE: usize = 256 * 1024;
/// The text of one script, in bytes.
const SCRIPT: usize = 8 << 20;

/// Splits a script that arrives in pieces, and counts its statements.
fn split(options: &SplitOptions, script: &[u8]) -> u64 {
    let mut splitter = Splitter::new(options.clone());
    let (mut from, mut to, mut statements) = (0, 0, 0);
    loop {
        match splitter.step(&script[from..to], to == script.len()).unwrap() {
            Step::Statement(statement) => {
                statements += 1;
                from += statement.consumed;
            }
            Step::Skip { consumed } => from += consumed,
            Step::More => to = script.len().min(to + PIECE),
            Step::End => return statements,
        }
    }
}

/// INSERT statements of `rows` rows each.
fn inserts(rows: u64, row: impl Fn(u64) -> String) -> Vec<u8> {
    let mut script = Vec::new();
    let mut next = 0;
    while script.len() < SCRIPT {
        let texts: Vec<String> = (next..next + rows).map(&row).collect();
        script.extend_from_slice(b"INSERT INTO `t` VALUES ");
        script.extend_from_slice(texts.join(",").as_bytes());
        script.extend_from_slice(b";\n");
        next += rows;
    }
    script
}

fn scripts() -> Vec<(&'static str, Vec<u8>)> {
    let mixed = |i: u64| {
        format!(
            "({i},{},'2026-01-{:02} 10:{:02}:00',-{}.25,'name of customer {i}','it\\'s a text of \
             {i}\\r\\nwith lines, \"quotes\" and some length',NULL,0x{:016X})",
            i * 7919 % 100_000,
            i % 28 + 1,
            i % 60,
            i * 31 % 1000,
            i.wrapping_mul(0x9E37_79B9_7F4A_7C15)
        )
    };
    let narrow = |i: u64| format!("({i},'text {i}')");
    let numbers = |i: u64| format!("({i},{},{},-{}.5)", i * 3, i * 7919 % 100_003, i % 97);
    let long = |i: u64| format!("({i},'{}')", "lorem ipsum dolor sit amet ".repeat(20));
    let hex = |i: u64| format!("({i},0x{})", "0123456789ABCDEF".repeat(16));
    let routine = "DELIMITER ;;\nCREATE PROCEDURE p()\nBEGIN\n  -- it's a note\n  DECLARE a INT; \
                   /* another; */\n  SET a = 1;\n  SELECT 'x;y', `z`;\nEND ;;\nDELIMITER ;\n";
    vec![
        ("mixed rows", inserts(1000, mixed)),
        ("narrow rows", inserts(1000, narrow)),
        ("numbers", inserts(1000, numbers)),
        ("long strings", inserts(100, long)),
        ("hexadecimal", inserts(100, hex)),
        ("one row each", inserts(1, narrow)),
        ("routines", routine.repeat(SCRIPT / routine.len()).into_bytes()),
    ]
}

fn bench(c: &mut Criterion) {
    let options = SplitOptions::new(Dialect::MariaDb);
    let wide = SplitOptions { charset: Charset::Gbk, ..options.clone() };
    let mut group = c.benchmark_group("split");
    group.sample_size(20);
    for (name, script) in scripts() {
        group.throughput(Throughput::Bytes(script.len() as u64));
        group.bench_function(BenchmarkId::new("ascii-safe", name), |b| {
            b.iter(|| split(&options, black_box(&script)));
        });
        if name == "mixed rows" {
            group.bench_function(BenchmarkId::new("gbk", name), |b| {
                b.iter(|| split(&wide, black_box(&script)));
            });
        }
    }
    group.finish();
}

criterion_group!(benches, bench);
criterion_main!(benches);
