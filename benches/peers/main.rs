//! Whole programs side by side: dumps and restores by this crate, by the stock tools and, where
//! they are installed, by mydumper and pigz.
//!
//! `scripts/bench` starts private servers and runs this. The runs of all programs are interleaved,
//! and the median of each counts. Every run proves what it wrote before its time counts: after a
//! restore every table must have the checksum of its source, and there must be as many views and
//! programs; a dump must have written the same lines as the first run of its program, whose last one
//! is what the restores read; ours must also have the digest and the row counts that it claims.
//!
//! | variable | default | what |
//! |---|---|---|
//! | `SNAPDUMP_BENCH_ROWS` | 1000000 | rows of each of the two tables of work a |
//! | `SNAPDUMP_BENCH_TABLES` | 5000 | tables of work b |
//! | `SNAPDUMP_BENCH_BLOB_MB` | 300 | megabytes of work c |
//! | `SNAPDUMP_BENCH_RUNS` | 3 | runs of each program |
//! | `SNAPDUMP_BENCH_WORKS` | abcd | which works; d is the wide table of a with its rows, and with four times as many |

#![allow(
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::cast_precision_loss,
    reason = "a bench prints its figures, and fails by panicking"
)]

mod data;
mod measure;
mod proof;
mod targets;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use mysql_async::{Conn, Opts, OptsBuilder};
use snapdump::{
    ConnectOptions, Context, DumpOptions, RestoreOptions, dump_to_path, restore, verify,
};

use measure::{Run, bytes_of, median};
use targets::Targets;

const SOURCE: &str = "snapdump_bench";
const TARGET: &str = "snapdump_bench_restored";

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let runtime =
        tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime");
    match arguments.get(1).map(String::as_str) {
        Some("--dump") => runtime.block_on(dump_once(&arguments[2], Path::new(&arguments[3]))),
        Some("--restore") => {
            let binlog = arguments.get(4).is_none_or(|text| text != "no-binlog");
            runtime.block_on(restore_once(&arguments[2], Path::new(&arguments[3]), binlog));
        }
        // `cargo bench -- --test` only asks whether the bench runs at all.
        Some("--test") => {
            runtime.block_on(all(&Sizes { rows: 2000, tables: 20, blob: 10, runs: 1 }));
        }
        _ => runtime.block_on(all(&Sizes {
            rows: number("SNAPDUMP_BENCH_ROWS", 1_000_000),
            tables: number("SNAPDUMP_BENCH_TABLES", 5000),
            blob: number("SNAPDUMP_BENCH_BLOB_MB", 300),
            runs: number("SNAPDUMP_BENCH_RUNS", 3),
        })),
    }
}

struct Sizes {
    rows: u64,
    tables: u64,
    blob: u64,
    runs: u64,
}

fn number(name: &str, default: u64) -> u64 {
    std::env::var(name)
        .map_or(default, |text| text.parse().unwrap_or_else(|_| panic!("{name} is not a number")))
}

async fn dump_once(url: &str, path: &Path) {
    let connect = ConnectOptions::from_url(url).unwrap();
    let options = DumpOptions::default().with_overwrite(true);
    dump_to_path(&connect, path, &options, &Context::new()).await.unwrap();
}

async fn restore_once(url: &str, path: &Path, binlog: bool) {
    let connect = ConnectOptions::from_url(url).unwrap();
    let options = RestoreOptions::default().with_binlog(binlog).with_other_databases(true);
    restore(&connect, path, &options, &Context::new()).await.unwrap();
}

/// A server and how its programs are called.
struct Server {
    name: &'static str,
    variable: &'static str,
    url: String,
    pid: String,
    /// Whether it was started for this bench, and its binary logs are nobody's.
    is_private: bool,
}

impl Server {
    fn of(name: &'static str, variable: &'static str) -> Self {
        let get = |end: &str| {
            let name = format!("{variable}{end}");
            std::env::var(&name).unwrap_or_else(|_| panic!("{name} is not set: run scripts/bench"))
        };
        let is_private = std::env::var_os(format!("{variable}_DATADIR")).is_some();
        Self { name, variable, url: get(""), pid: get("_PID"), is_private }
    }

    async fn conn(&self) -> Conn {
        let opts = OptsBuilder::from_opts(Opts::from_url(&self.url).unwrap()).prefer_socket(false);
        Conn::new(opts).await.unwrap()
    }

    fn password(&self) -> String {
        Opts::from_url(&self.url).unwrap().pass().unwrap_or_default().to_owned()
    }

    /// A stock program with what it needs to connect.
    fn tool(&self, tool: &str) -> String {
        let opts = Opts::from_url(&self.url).unwrap();
        format!(
            "\"${}_{tool}\" --no-defaults --protocol=TCP --host={} --port={} --user=root \
             --default-character-set=utf8mb4{}",
            self.variable,
            opts.ip_or_hostname(),
            opts.tcp_port(),
            // Nobody encrypts: what is compared is not TLS.
            if self.name == "MySQL" { " --ssl-mode=DISABLED" } else { " --skip-ssl" }
        )
    }

    fn stock_dump(&self) -> String {
        let more = if self.name.starts_with("MySQL") { " --set-gtid-purged=OFF" } else { "" };
        format!(
            "{} --single-transaction --routines --triggers --events --hex-blob{more} {SOURCE}",
            self.tool("DUMP")
        )
    }

    /// mydumper or myloader with what it needs to connect.
    fn peer(&self, program: &str) -> String {
        let opts = Opts::from_url(&self.url).unwrap();
        format!(
            "{program} -h {} -P {} -u root -p \"$MYSQL_PWD\" -t {}",
            opts.ip_or_hostname(),
            opts.tcp_port(),
            threads()
        )
    }

    fn ours(&self, operation: &str, database: &str, path: &Path, more: &str) -> String {
        let program = std::env::current_exe().unwrap();
        let url = format!("{}/{database}?ssl-mode=disabled", self.url.trim_end_matches('/'));
        format!("'{}' {operation} '{url}' '{}' {more}", program.display(), path.display())
    }
}

fn threads() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from).min(4)
}

fn installed(program: &str) -> bool {
    let found = std::process::Command::new("which").arg(program).output();
    found.is_ok_and(|output| output.status.success())
}

/// One program at one work.
struct Contender {
    name: String,
    script: String,
    /// Where its output is, if it is kept.
    output: Option<PathBuf>,
    restores: bool,
    runs: Vec<Run>,
    /// What every run wrote.
    proof: Option<u64>,
}

impl Contender {
    fn dump(name: &str, script: String, output: Option<PathBuf>) -> Self {
        Self { name: name.into(), script, output, restores: false, runs: Vec::new(), proof: None }
    }

    fn restore(name: &str, script: String) -> Self {
        let output = None;
        Self { name: name.into(), script, output, restores: true, runs: Vec::new(), proof: None }
    }
}

/// What the dumps of a server left behind, to be restored.
struct Files {
    ours: PathBuf,
    stock: PathBuf,
    peer: PathBuf,
}

async fn all(sizes: &Sizes) {
    let works = std::env::var("SNAPDUMP_BENCH_WORKS").unwrap_or_else(|_| "abcd".into());
    let maria = Server::of("MariaDB", "SNAPDUMP_TEST_MARIADB_10_11");
    let mysql = Server::of("MySQL", "SNAPDUMP_TEST_MYSQL_9_7");
    println!("{} cores, {} runs of each, medians:\n", threads(), sizes.runs);
    println!(
        "| work | program | wall s | client CPU s | server CPU s | peak MiB | MB | ours / it |\n\
         |---|---|---|---|---|---|---|---|"
    );
    let mut targets = Targets::default();
    for server in [&maria, &mysql] {
        let mut conn = server.conn().await;
        if works.contains('a') {
            data::two_tables(&mut conn, SOURCE, sizes.rows).await;
            let what = format!("a, 2 × {} rows", sizes.rows);
            work(server, &mut conn, &what, sizes.runs, true, sizes.rows * 2, &mut targets).await;
        }
        if works.contains('b') {
            data::small_tables(&mut conn, SOURCE, sizes.tables).await;
            let what = format!("b, {} tables", sizes.tables);
            work(server, &mut conn, &what, sizes.runs, false, sizes.tables * 3, &mut targets).await;
        }
        if server.name == "MariaDB" && works.contains('c') {
            data::blobs(&mut conn, SOURCE, sizes.blob).await;
            let what = format!("c, {} MB of BLOBs", sizes.blob);
            work(server, &mut conn, &what, sizes.runs, true, 0, &mut targets).await;
        }
        if server.name == "MariaDB" && works.contains('d') {
            growth(server, &mut conn, sizes, &mut targets).await;
        }
        data::run(&mut conn, "SET SESSION sql_log_bin = 1").await;
        for name in [SOURCE, TARGET] {
            data::run(&mut conn, &format!("DROP DATABASE IF EXISTS {name}")).await;
        }
        conn.disconnect().await.unwrap();
    }
    targets.print();
}

/// All dumps of the source, then all restores of what they wrote.
async fn work(
    server: &Server,
    conn: &mut Conn,
    what: &str,
    runs: u64,
    large: bool,
    rows: u64,
    targets: &mut Targets,
) {
    let directory = tempfile::tempdir().unwrap();
    let files = Files {
        ours: directory.path().join("ours.sql.gz"),
        stock: directory.path().join("stock.sql.gz"),
        peer: directory.path().join("mydumper"),
    };
    let stock = server.stock_dump();
    let (ours, gz) = (files.ours.clone(), files.stock.display());
    let mut dumps = vec![
        Contender::dump("snapdump", server.ours("--dump", SOURCE, &files.ours, ""), Some(ours)),
        Contender::dump("stock dump to nowhere", format!("{stock} >/dev/null"), None),
        Contender::dump(
            "stock dump, gzip",
            format!("{stock} | gzip >'{gz}'"),
            Some(files.stock.clone()),
        ),
    ];
    if installed("pigz") && large {
        let path = directory.path().join("pigz.sql.gz");
        let script = format!("{stock} | pigz >'{}'", path.display());
        dumps.push(Contender::dump("stock dump, pigz", script, Some(path)));
    }
    // Old versions of mydumper do not know MySQL 9.
    let with_peer = installed("mydumper") && installed("myloader") && server.name == "MariaDB";
    if with_peer {
        let path = files.peer.display();
        let call = server.peer("mydumper");
        let script = format!("rm -rf '{path}'; {call} -B {SOURCE} -o '{path}' -c -G -E -R -v 1");
        dumps.push(Contender::dump("mydumper -c", script, Some(files.peer.clone())));
    }
    measure_all(server, conn, &mut dumps, runs).await;
    let manifest = snapdump::inspect(&files.ours).unwrap().manifest;
    assert!(rows == 0 || manifest.rows() == rows, "{} rows", manifest.rows());
    // The text is the same, and the one of gzip is restored below.
    let of_stock_tool = dumps.iter().filter(|dump| dump.name.starts_with("stock dump, "));
    let proofs: BTreeSet<_> = of_stock_tool.map(|dump| dump.proof).collect();
    assert_eq!(proofs.len(), 1, "gzip and pigz packed something else");
    print_table(&format!("dump {what}, {}", server.name), &dumps);
    targets.dumps(what, server.name, &dumps);

    let client = server.tool("CLIENT");
    let gunzip = format!("gunzip <'{gz}' | {client} {TARGET}");
    let restore = |name: &str, path: &Path, more: &str| {
        Contender::restore(name, server.ours("--restore", TARGET, path, more))
    };
    let mut restores = vec![
        restore("snapdump", &files.ours, ""),
        restore("snapdump, stock file", &files.stock, ""),
        Contender::restore("gunzip, stock client", gunzip),
    ];
    if with_peer {
        restores.push(restore("snapdump, no binlog", &files.ours, "no-binlog"));
        let (call, path) = (server.peer("myloader"), files.peer.display());
        let script = format!("{call} -d '{path}' -B {TARGET} -o -v 1");
        restores.push(Contender::restore("myloader, no binlog", script));
    }
    measure_all(server, conn, &mut restores, runs).await;
    print_table(&format!("restore {what}, {}", server.name), &restores);
    targets.restores(what, server.name, &restores);
}

/// Our own time and memory for the wide table of work a, and for one with four times its rows.
async fn growth(server: &Server, conn: &mut Conn, sizes: &Sizes, targets: &mut Targets) {
    for times in [1, 4] {
        let rows = sizes.rows * times;
        data::one_table(conn, SOURCE, rows).await;
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("ours.sql.gz");
        let dump = server.ours("--dump", SOURCE, &file, "");
        let mut both = vec![Contender::dump("snapdump, dump", dump, Some(file.clone()))];
        measure_all(server, conn, &mut both, sizes.runs).await;
        assert_eq!(snapdump::inspect(&file).unwrap().manifest.rows(), rows);
        let restore = server.ours("--restore", TARGET, &file, "");
        let mut after = vec![Contender::restore("snapdump, restore", restore)];
        measure_all(server, conn, &mut after, sizes.runs).await;
        both.append(&mut after);
        for contender in &both {
            let run = median(&contender.runs);
            println!(
                "| d, {times} × {} rows | {} | {:.2} | {:.2} | {:.2} | {} | {:.1} | {:.3} µs a row |",
                sizes.rows,
                contender.name,
                run.wall,
                run.client,
                run.server,
                run.peak,
                run.bytes as f64 / 1e6,
                run.wall * 1e6 / rows as f64
            );
            targets.growth(&format!("d, {times} × {} rows", sizes.rows), contender, rows);
        }
    }
}

/// Runs every contender once, then every one again, as often as it is asked for.
async fn measure_all(server: &Server, conn: &mut Conn, contenders: &mut [Contender], runs: u64) {
    let expected = data::state(conn, SOURCE).await;
    let password = server.password();
    for _ in 0..runs {
        for contender in contenders.iter_mut() {
            if contender.restores {
                data::empty(conn, TARGET).await;
                if server.is_private {
                    data::purge_logs(conn).await;
                }
            }
            let mut run = measure::run(&contender.script, &password, &server.pid);
            if contender.restores {
                let restored = data::state(conn, TARGET).await;
                assert!(restored == expected, "{}: the restored tables differ", contender.name);
            }
            if let Some(output) = &contender.output {
                run.bytes = bytes_of(output);
                let written = proof::of(output);
                let first = *contender.proof.get_or_insert(written);
                assert_eq!(first, written, "{}: its runs wrote something else", contender.name);
                if contender.name.starts_with("snapdump") {
                    verify(output, &Context::new()).await.unwrap();
                }
            }
            contender.runs.push(run);
        }
    }
}

fn print_table(what: &str, contenders: &[Contender]) {
    let ours = median(&contenders[0].runs);
    for contender in contenders {
        let run = median(&contender.runs);
        println!(
            "| {what} | {} | {:.2} | {:.2} | {:.2} | {} | {:.1} | {:.3} |",
            contender.name,
            run.wall,
            run.client,
            run.server,
            run.peak,
            run.bytes as f64 / 1e6,
            ours.wall / run.wall
        );
    }
}
