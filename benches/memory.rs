//! Peak memory of a dump and of a restore of a gigabyte of rows, and of a restore of one statement of
//! 200 MB.
//!
//! `scripts/bench` starts a private server and runs this. The rows are made at run time; how many
//! bytes of them, `SNAPDUMP_BENCH_MB` says (1024 by default). Each operation runs in a process of
//! its own, this program again, whose peak resident set is read from the kernel; the numbers are
//! printed as a table, and a peak above its limit is a failure.

#![allow(
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a bench prints its figures, and fails by panicking"
)]

use std::io::Write as _;
use std::path::Path;
use std::process::{Child, Command};
use std::time::{Duration, Instant};

use flate2::{Compression, write::GzEncoder};
use mysql_async::prelude::Queryable as _;
use mysql_async::{Conn, Opts};
use snapdump::{ConnectOptions, Context, DumpOptions, RestoreOptions, dump_to_path, restore};

const SOURCE: &str = "snapdump_bench_memory";
const TARGET: &str = "snapdump_bench_memory_restored";
/// The limits in KiB; that of a restore without its largest statement.
const DUMP_LIMIT: u64 = 64 * 1024;
const RESTORE_LIMIT: u64 = 96 * 1024;
/// How often a statement is in memory while it is sent: once here, and twice in the driver, which
/// copies it into a packet and that into what it writes to the socket.
const COPIES: u64 = 3;
/// Megabytes of the statement.
const STATEMENT: usize = 200;

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let url = std::env::var("SNAPDUMP_TEST_MARIADB_10_11")
        .expect("SNAPDUMP_TEST_MARIADB_10_11 is not set: run scripts/bench");
    let runtime =
        tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime");
    match arguments.get(1).map(String::as_str) {
        Some("--dump") => runtime.block_on(run_dump(&url, Path::new(&arguments[2]))),
        Some("--restore") => runtime.block_on(run_restore(&url, Path::new(&arguments[2]))),
        // `cargo bench -- --test` only asks whether the bench runs at all.
        Some("--test") => runtime.block_on(measure(&url, 8, 8)),
        _ => {
            let megabytes = std::env::var("SNAPDUMP_BENCH_MB")
                .map_or(1024, |text| text.parse().expect("SNAPDUMP_BENCH_MB is a number"));
            runtime.block_on(measure(&url, megabytes, STATEMENT));
        }
    }
}

async fn measure(url: &str, megabytes: u64, statement: usize) {
    let mut conn = Conn::new(Opts::from_url(url).unwrap()).await.unwrap();
    println!("| memory | s | MB/s | peak MiB | at most |\n|---|---|---|---|---|");
    rows(&mut conn, megabytes).await;
    one_statement(&mut conn, statement << 20).await;
    println!();
    for name in [SOURCE, TARGET] {
        conn.query_drop(format!("DROP DATABASE {name}")).await.unwrap();
    }
    conn.disconnect().await.unwrap();
}

/// Many rows, dumped and restored.
async fn rows(conn: &mut Conn, megabytes: u64) {
    let (rows, bytes) = make_rows(conn, megabytes << 20).await;
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("memory.sql.gz");
    let what = format!("{rows} rows of {} MB", bytes >> 20);
    let dump = peak_of("--dump", &file);
    report(&format!("dump of {what}"), bytes, dump, DUMP_LIMIT);
    let restore = peak_of("--restore", &file);
    report(&format!("restore of {what}"), bytes, restore, RESTORE_LIMIT);
    let checksums: Vec<(String, u64)> =
        conn.query(format!("CHECKSUM TABLE {SOURCE}.t, {TARGET}.t")).await.unwrap();
    assert_eq!(checksums[0].1, checksums[1].1, "the restored table differs");
    assert!(dump.0 <= DUMP_LIMIT, "the dump took {} KiB of memory", dump.0);
    assert!(restore.0 <= RESTORE_LIMIT, "the restore took {} KiB of memory", restore.0);
}

/// A script of another tool with one statement of so many bytes of text, restored.
async fn one_statement(conn: &mut Conn, bytes: usize) {
    empty(conn, TARGET).await;
    let packet: Option<u64> = conn.query_first("SELECT @@GLOBAL.max_allowed_packet").await.unwrap();
    conn.query_drop("SET GLOBAL max_allowed_packet = 1073741824").await.unwrap();
    let mut text = Vec::with_capacity(bytes);
    let mut random = 0x9E37_79B9_7F4A_7C15_u64;
    while text.len() < bytes {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        text.extend(random.to_le_bytes().map(|byte| b'a' + byte % 26));
    }
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("memory.sql.gz");
    let mut script = GzEncoder::new(std::fs::File::create(&file).unwrap(), Compression::fast());
    // (Not InnoDB, whose log would have to be larger.)
    let start = b"CREATE TABLE one (t LONGTEXT) ENGINE=MyISAM;\nINSERT INTO one VALUES ('";
    for part in [&start[..], &text, b"');\n"] {
        script.write_all(part).unwrap();
    }
    script.finish().unwrap().sync_all().unwrap();
    let crc = crc32fast::hash(&text);
    drop(text);

    let size = bytes as u64;
    let limit = RESTORE_LIMIT + COPIES * (size >> 10);
    let restore = peak_of("--restore", &file);
    report(&format!("restore of one statement of {} MB", size >> 20), size, restore, limit);
    let there = format!("SELECT LENGTH(t), CRC32(t) FROM {TARGET}.one");
    let there: Option<(u64, u32)> = conn.query_first(there).await.unwrap();
    let packet = format!("SET GLOBAL max_allowed_packet = {}", packet.unwrap());
    conn.query_drop(packet).await.unwrap();
    assert_eq!(there, Some((size, crc)), "the restored text differs");
    assert!(restore.0 <= limit, "the restore took {} KiB of memory", restore.0);
}

fn report(what: &str, bytes: u64, (peak, time): (u64, Duration), limit: u64) {
    let seconds = time.as_secs_f64();
    #[allow(clippy::cast_precision_loss, reason = "a figure for people")]
    let rate = bytes as f64 / f64::from(1 << 20) / seconds;
    println!("| {what} | {seconds:.1} | {rate:.1} | {} | {} |", peak / 1024, limit / 1024);
}

async fn empty(conn: &mut Conn, name: &str) {
    conn.query_drop(format!("DROP DATABASE IF EXISTS {name}")).await.unwrap();
    conn.query_drop(format!("CREATE DATABASE {name} CHARACTER SET utf8mb4")).await.unwrap();
}

/// Fills a table by doubling it, and returns how many rows it has and how many bytes of values.
async fn make_rows(conn: &mut Conn, bytes: u64) -> (u64, u64) {
    for name in [SOURCE, TARGET] {
        empty(conn, name).await;
    }
    conn.query_drop(format!("USE {SOURCE}")).await.unwrap();
    conn.query_drop(
        "CREATE TABLE t (id BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY, a INT, b DOUBLE, \
         c DATETIME(6), d DECIMAL(20,4), e VARCHAR(200), f VARBINARY(64), g TEXT)",
    )
    .await
    .unwrap();
    let values = "FLOOR(RAND() * 2000000000), RAND() * 1e9, NOW(6), RAND() * 1e12, \
                  CONCAT(SHA2(RAND(), 512), 'it''s ', UUID()), UNHEX(SHA2(RAND(), 256)), \
                  REPEAT(SHA2(RAND(), 256), 1 + FLOOR(RAND() * 10))";
    let columns = "t (a, b, c, d, e, f, g)";
    conn.query_drop(format!("INSERT INTO {columns} SELECT {values} FROM seq_1_to_4096"))
        .await
        .unwrap();
    loop {
        let size: Option<(u64, u64)> = conn
            .query_first(
                "SELECT COUNT(*), CAST(SUM(44 + LENGTH(e) + LENGTH(f) + LENGTH(g)) AS UNSIGNED) \
                 FROM t",
            )
            .await
            .unwrap();
        let (rows, size) = size.unwrap();
        if size >= bytes {
            return (rows, size);
        }
        // The last step adds no more than what is missing.
        let missing = (bytes - size).div_ceil(size / rows);
        conn.query_drop(format!("INSERT INTO {columns} SELECT {values} FROM t LIMIT {missing}"))
            .await
            .unwrap();
    }
}

async fn run_dump(url: &str, path: &Path) {
    let connect = ConnectOptions::from_url(url).unwrap().with_database(SOURCE);
    dump_to_path(&connect, path, &DumpOptions::default(), &Context::new()).await.unwrap();
}

async fn run_restore(url: &str, path: &Path) {
    let connect = ConnectOptions::from_url(url).unwrap().with_database(TARGET);
    restore(&connect, path, &RestoreOptions::default(), &Context::new()).await.unwrap();
}

/// Runs this program again for one operation; returns its peak resident set in KiB and its time.
fn peak_of(operation: &str, path: &Path) -> (u64, Duration) {
    let started = Instant::now();
    let mut child = Command::new(std::env::current_exe().unwrap())
        .arg(operation)
        .arg(path)
        .spawn()
        .expect("this program can be started");
    let mut peak = 0;
    loop {
        // The kernel keeps the peak itself; it only has to be read before the process is gone.
        peak = peak.max(high_water_mark(&child).unwrap_or(0));
        if let Some(status) = child.try_wait().unwrap() {
            assert!(status.success(), "{operation} failed");
            return (peak, started.elapsed());
        }
        std::thread::sleep(Duration::from_millis(10));
    }
}

fn high_water_mark(child: &Child) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{}/status", child.id())).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.trim().strip_suffix(" kB")?.parse().ok()
}
