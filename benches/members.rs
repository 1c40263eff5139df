//! How fast members are packed and read again, on one core: `cargo bench --bench members`.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    missing_docs,
    reason = "a bench fails by panicking, and is no part of the API"
)]

use std::hint::black_box;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use snapdump::Compression;
use snapdump::internals::{pack_member, read_script};

/// About as much text as a member of a dump has.
const MEMBER: usize = 2 << 20;

/// Rows whose numbers and words differ, as those of real tables do.
fn text() -> Vec<u8> {
    const WORDS: [&str; 8] =
        ["apple", "river", "stone", "cloud", "table", "green", "north", "paper"];
    let mut text = b"INSERT INTO `t` VALUES ".to_vec();
    let mut random = 0x9E37_79B9_7F4A_7C15_u64;
    while text.len() < MEMBER {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        let word = |byte: usize| WORDS[usize::from(random.to_le_bytes()[byte]) % WORDS.len()];
        let row = format!(
            "\n({random},'{} {} {}','2026-01-{:02}',{}.{:02}),",
            word(1),
            word(2),
            word(3),
            random % 28 + 1,
            random % 10_000,
            random % 100
        );
        text.extend_from_slice(row.as_bytes());
    }
    text
}

fn bench(c: &mut Criterion) {
    let text = text();
    let mut group = c.benchmark_group("member");
    group.sample_size(10);
    group.throughput(Throughput::Bytes(text.len() as u64));
    for level in [1, 4, 6] {
        let compression = Compression::gzip(level).unwrap();
        group.bench_function(BenchmarkId::new("pack", level), |b| {
            b.iter(|| pack_member(black_box(text.clone()), compression).unwrap());
        });
    }
    for compression in [Compression::default(), Compression::None] {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), pack_member(text.clone(), compression).unwrap()).unwrap();
        group.bench_function(BenchmarkId::new("read", format!("{compression:?}")), |b| {
            b.iter(|| {
                let mut bytes = 0;
                read_script(file.path(), |piece| bytes += piece.len()).unwrap();
                assert_eq!(bytes, text.len());
            });
        });
    }
    group.finish();
}

criterion_group!(benches, bench);
criterion_main!(benches);
