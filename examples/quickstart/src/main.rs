//! Shows the whole way of a backup on a server that may be played with: a sample database is made,
//! dumped, damaged and restored, and what comes back is compared with what was there.
//!
//! `quickstart --url mysql://root@localhost`; `scripts/demo` runs it against a private server. It
//! works in the database `snapdump_demo` and in a temporary directory, and removes both at the end.

#![allow(clippy::print_stderr, reason = "a command line program talks on standard error")]

#[path = "../../cli/mod.rs"]
mod cli;
#[path = "../../../tests/compare/mod.rs"]
mod compare;
#[path = "../../sample/mod.rs"]
mod sample;

use std::collections::{BTreeMap, BTreeSet};
use std::future::Future;
use std::io::IsTerminal as _;
use std::path::Path;
use std::pin::pin;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use clap::Parser;
use cli::{ConnectArgs, bytes, grouped, print_line, print_warnings};
use compare::difference::{DATA, Difference, EXISTS};
use compare::{Description, Kind, Object};
use indicatif::{ProgressBar, ProgressStyle};
use mysql_async::prelude::Queryable as _;
use mysql_async::{Conn, Opts, OptsBuilder};
use snapdump::server::Password;
use snapdump::{
    ConnectOptions, Context, DumpOptions, RestoreOptions, TlsMode, dump_to_path, inspect, prepare,
    restore,
};
use tempfile::TempDir;

/// The database that is made, and dropped at the end.
const DATABASE: &str = "snapdump_demo";

/// What is done to the database between dump and restore. The BLOB is 60,000 bytes long.
const DAMAGE: [&str; 10] = [
    "DROP TABLE reservations",
    "TRUNCATE TABLE `gate log`",
    "DELETE FROM loans WHERE id % 10 = 0",
    "UPDATE members SET balance = 0 WHERE id % 3 = 0",
    "UPDATE edges SET raw = INSERT(raw, 30000, 1, 'X') WHERE id = 7",
    "ALTER TABLE visits DROP COLUMN stay",
    "CREATE OR REPLACE VIEW adults AS SELECT id, name FROM members",
    "DROP TRIGGER members_gone",
    "DROP FUNCTION fine_for",
    "DROP EVENT nightly",
];

/// Make a sample database, dump it, damage it, restore it, and compare every byte
#[derive(Debug, Parser)]
#[command(after_help = "Works in the database snapdump_demo: one that is there already is \
                        dropped, and so is this one at the end.")]
struct Args {
    #[command(flatten)]
    connect: ConnectArgs,
    /// About how many rows to fill in
    #[arg(long, default_value_t = 300_000, value_parser = clap::value_parser!(u64).range(..=100_000_000))]
    rows: u64,
}

/// A failure as the line that is printed.
#[derive(Debug)]
struct Failure(String);

impl From<snapdump::Error> for Failure {
    fn from(error: snapdump::Error) -> Self {
        Self(error.chain())
    }
}

impl From<mysql_async::Error> for Failure {
    fn from(error: mysql_async::Error) -> Self {
        // The driver wraps the errors of others, and repeats them.
        let mut root: &dyn std::error::Error = &error;
        while let Some(cause) = root.source() {
            root = cause;
        }
        Self(root.to_string())
    }
}

impl From<std::io::Error> for Failure {
    fn from(error: std::io::Error) -> Self {
        Self(error.to_string())
    }
}

#[tokio::main]
async fn main() -> ExitCode {
    let args = Args::parse();
    match Box::pin(run(&args)).await {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(Failure(message)) => {
            eprintln!("error: {message}");
            ExitCode::FAILURE
        }
    }
}

/// All steps, and the cleaning up after them however they end. Whether everything came back.
async fn run(args: &Args) -> Result<bool, Failure> {
    let server = args.connect.options()?;
    if !matches!(server.tls_mode(), TlsMode::Disabled | TlsMode::Preferred) {
        return Err(Failure(String::from(
            "the sample is filled and compared over connections without TLS: leave ssl-mode away",
        )));
    }
    let demo = Demo {
        driver: driver_options(&server),
        connect: server.with_database(DATABASE),
        directory: tempfile::Builder::new().prefix("snapdump-demo-").tempdir()?,
        screen: Screen::new(),
        rows: args.rows,
    };
    // A future that is dropped kills its query on the server, so the database can be dropped.
    let done = tokio::select! {
        done = Box::pin(demo.steps()) => done,
        () = interrupted() => Err(Failure(String::from("interrupted"))),
    };
    let cleaned = match tokio::time::timeout(Duration::from_secs(30), demo.drop_database()).await {
        Ok(dropped) => dropped,
        Err(_) => Err(Failure(String::from("no answer in 30 seconds"))),
    };
    let whole = done?;
    cleaned.map_err(|Failure(why)| Failure(format!("the database {DATABASE} is left: {why}")))?;
    Ok(whole)
}

/// Ends at Ctrl-C, and when the program is told to end.
async fn interrupted() {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        if let Ok(mut terminate) = signal(SignalKind::terminate()) {
            tokio::select! {
                _ = tokio::signal::ctrl_c() => {}
                _ = terminate.recv() => {}
            }
            return;
        }
    }
    let _ = tokio::signal::ctrl_c().await;
}

/// The same server for the driver itself, without a database.
fn driver_options(server: &ConnectOptions) -> OptsBuilder {
    OptsBuilder::default()
        .ip_or_hostname(server.host())
        .tcp_port(server.port())
        .socket(server.socket().map(|path| path.display().to_string()))
        .user(server.user())
        .pass(server.password().map(Password::expose))
        // The driver would otherwise leave TCP for the server's unix socket.
        .prefer_socket(false)
}

struct Demo {
    /// To the demo's database, for snapdump.
    connect: ConnectOptions,
    /// To the server, for what is no part of snapdump: filling, damaging and comparing.
    driver: OptsBuilder,
    directory: TempDir,
    screen: Screen,
    rows: u64,
}

impl Demo {
    async fn steps(&self) -> Result<bool, Failure> {
        self.create_database().await?;
        self.schema().await?;
        self.fill().await?;
        let before = self.describe().await?;

        let backup = self.directory.path().join("demo.sql.gz");
        self.dump(&backup).await?;
        self.inspect(&backup)?;

        self.damage().await?;
        let damaged = self.describe().await?;
        let seen = compare::compare(&before, &damaged);
        self.screen.differences(&seen);
        if seen.is_empty() {
            return Err(Failure(String::from("the comparer does not see the damage")));
        }

        self.restore(&backup).await?;
        let after = self.describe().await?;
        let differences = compare::compare(&before, &after);
        self.screen.differences(&differences);
        self.screen.table([&before, &damaged, &after], &differences);
        Ok(differences.is_empty())
    }

    async fn conn(&self, database: Option<&str>) -> Result<Conn, Failure> {
        let options = self.driver.clone().db_name(database);
        Conn::new(Opts::from(options)).await.map_err(|error| {
            let Failure(why) = Failure::from(error);
            Failure(format!("could not connect: {why}"))
        })
    }

    async fn create_database(&self) -> Result<(), Failure> {
        let mut conn = self.conn(None).await?;
        let version: Option<String> = conn.query_first("SELECT VERSION()").await?;
        conn.query_drop(format!("DROP DATABASE IF EXISTS {DATABASE}")).await?;
        conn.query_drop(format!("CREATE DATABASE {DATABASE} CHARACTER SET utf8mb4")).await?;
        conn.disconnect().await?;
        let title = format!("server {}, database {DATABASE}", version.unwrap_or_default());
        self.screen.line("quickstart", &title, None);
        Ok(())
    }

    async fn drop_database(&self) -> Result<(), Failure> {
        let mut conn = self.conn(None).await?;
        conn.query_drop(format!("DROP DATABASE IF EXISTS {DATABASE}")).await?;
        Ok(conn.disconnect().await?)
    }

    /// The schema is a script for the stock clients; snapdump restores those as well.
    async fn schema(&self) -> Result<(), Failure> {
        let script = self.directory.path().join("schema.sql");
        std::fs::write(&script, sample::SCHEMA)?;
        let context = Context::new();
        let options = RestoreOptions::default();
        let report = self
            .screen
            .watch(&context, restore(&self.connect, &script, &options, &context))
            .await?;
        let text = format!("sample schema, {} statements restored", report.statements);
        self.screen.line("schema", &text, Some(report.duration));
        self.screen.warnings(&report.warnings);
        Ok(())
    }

    async fn fill(&self) -> Result<(), Failure> {
        let started = Instant::now();
        let mut conn = self.conn(Some(DATABASE)).await?;
        let bar = self.screen.bar("fill", self.rows);
        let rows = sample::fill(&mut conn, self.rows, |rows| {
            bar.set_position(rows.min(self.rows));
            bar.set_message(format!("{} rows", grouped(rows)));
        })
        .await;
        bar.finish_and_clear();
        let text = format!("{} rows inserted", grouped(rows?));
        conn.disconnect().await?;
        self.screen.line("fill", &text, Some(started.elapsed()));
        Ok(())
    }

    /// Reads the database with the comparer of the tests, which shares no code with snapdump.
    async fn describe(&self) -> Result<Description, Failure> {
        let started = Instant::now();
        let mut conn = self.conn(None).await?;
        let spinner = self.screen.spinner("compare", "reading every definition and every row");
        let description = compare::describe(&mut conn, DATABASE).await;
        spinner.finish_and_clear();
        let description = description?;
        conn.disconnect().await?;
        let text = format!(
            "{} definitions and {} rows read by the comparer",
            grouped(number(description.objects.len())),
            grouped(description.rows())
        );
        self.screen.line("compare", &text, Some(started.elapsed()));
        Ok(description)
    }

    async fn dump(&self, backup: &Path) -> Result<(), Failure> {
        let context = Context::new();
        let options = DumpOptions::default();
        let report = self
            .screen
            .watch(&context, dump_to_path(&self.connect, backup, &options, &context))
            .await?;
        print_warnings(&report.warnings);
        let rate = Duration::from_secs(1).as_nanos() * u128::from(report.sql_bytes)
            / report.duration.as_nanos().max(1);
        let text = format!(
            "{} rows, {} of SQL at {}/s",
            grouped(report.rows),
            bytes(report.sql_bytes),
            bytes(u64::try_from(rate).unwrap_or(u64::MAX)),
        );
        self.screen.line("dump", &text, Some(report.duration));
        self.screen.more(&format!("{} in {}", bytes(report.file_bytes), backup.display()));
        Ok(())
    }

    fn inspect(&self, backup: &Path) -> Result<(), Failure> {
        let footer = inspect(backup)?;
        let manifest = &footer.manifest;
        let kinds: Vec<String> = manifest
            .counts()
            .iter()
            .map(|(kind, count)| {
                format!("{count} {}{}", kind.word(), if *count == 1 { "" } else { "s" })
            })
            .collect();
        self.screen.line("inspect", &kinds.join(", "), None);
        if let Some(binlog) = &manifest.snapshot.binlog {
            let text = format!(
                "one snapshot, at {} in the binary log {}",
                grouped(binlog.position),
                binlog.file
            );
            self.screen.more(&text);
        }
        Ok(())
    }

    async fn damage(&self) -> Result<(), Failure> {
        let mut conn = self.conn(Some(DATABASE)).await?;
        for (index, sql) in DAMAGE.iter().enumerate() {
            conn.query_drop(*sql).await?;
            let text = match conn.affected_rows() {
                0 => (*sql).to_owned(),
                1 => format!("{sql}: 1 row"),
                rows => format!("{sql}: {} rows", grouped(rows)),
            };
            self.screen.line(if index == 0 { "damage" } else { "" }, &text, None);
        }
        Ok(conn.disconnect().await?)
    }

    async fn restore(&self, backup: &Path) -> Result<(), Failure> {
        let started = Instant::now();
        let context = Context::new();
        let options = RestoreOptions::default().with_restore_point_directory(self.directory.path());
        let prepared =
            self.screen.watch(&context, prepare(&self.connect, backup, &options, &context)).await?;
        let point = prepared.restore_point().ok_or_else(|| {
            Failure(String::from("no restore point was taken although the database is not empty"))
        })?;
        let text =
            format!("file checked; {} rows that are there now saved", grouped(point.report().rows));
        self.screen.line("restore", &text, Some(started.elapsed()));
        self.screen.more(&point.path().display().to_string());
        let report = self.screen.watch(&context, prepared.apply(&context)).await?;
        let text = format!(
            "{} statements replayed{}",
            grouped(report.statements),
            if report.compared { ", compared with the manifest" } else { "" }
        );
        self.screen.line("", &text, Some(report.duration));
        self.screen.warnings(&report.warnings);
        Ok(())
    }
}

/// Where results are printed, and bars while there are none yet.
struct Screen {
    /// Whether standard output is a terminal, and colours are wanted.
    colours: bool,
    /// Whether standard error is a terminal.
    bars: bool,
}

impl Screen {
    fn new() -> Self {
        let plain = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        Self {
            colours: std::io::stdout().is_terminal() && !plain,
            bars: std::io::stderr().is_terminal(),
        }
    }

    fn paint(&self, code: u8, text: &str) -> String {
        if self.colours && !text.trim().is_empty() {
            format!("\x1b[{code}m{text}\x1b[0m")
        } else {
            text.to_owned()
        }
    }

    /// One step that is done.
    fn line(&self, step: &str, text: &str, took: Option<Duration>) {
        let step = self.paint(BOLD, &format!("{step:<11}"));
        match took {
            None => print_line(&format!("{step}{text}")),
            Some(took) => {
                let took = format!("{:>6.1} s", took.as_secs_f64());
                print_line(&format!("{step}{text:<60}{}", self.paint(DIM, &took)));
            }
        }
    }

    /// A line that belongs to the step above.
    fn more(&self, text: &str) {
        print_line(&format!("{:<11}{}", "", self.paint(DIM, text)));
    }

    /// How many warnings there are, and the first: the sample has values on the edges of their
    /// types, and events on a server that may not run any, so a server has something to say. What
    /// it made of the values is compared.
    fn warnings(&self, warnings: &[String]) {
        if let Some(first) = warnings.first() {
            self.more(&format!("warnings: {}, the first of them:", warnings.len()));
            self.more(first);
        }
    }

    fn bar(&self, step: &'static str, length: u64) -> ProgressBar {
        self.drawn(
            length,
            step,
            "{spinner} {prefix:>14} {bar:28} {percent:>3}% {elapsed:>4} {wide_msg}",
        )
    }

    fn spinner(&self, step: &'static str, message: &'static str) -> ProgressBar {
        self.drawn(0, step, "{spinner} {prefix:>14} {elapsed:>4} {wide_msg}").with_message(message)
    }

    fn drawn(&self, length: u64, step: &'static str, template: &str) -> ProgressBar {
        if !self.bars {
            return ProgressBar::hidden();
        }
        let style = ProgressStyle::with_template(template)
            .unwrap_or_else(|_| ProgressStyle::default_bar())
            .progress_chars("━━─");
        let bar = ProgressBar::new(length).with_style(style).with_prefix(step);
        bar.enable_steady_tick(Duration::from_millis(100));
        bar
    }

    /// Waits for an operation of snapdump and shows its progress meanwhile.
    async fn watch<T>(&self, context: &Context, work: impl Future<Output = T> + Send) -> T {
        let mut work = pin!(work);
        if self.bars {
            tokio::select! {
                done = &mut work => return done,
                () = cli::show(context) => {}
            }
        }
        work.await
    }

    /// One line about each object that differs.
    fn differences(&self, differences: &[Difference]) {
        const SHOWN: usize = 15;
        let mut objects: BTreeMap<&Object, Vec<&Difference>> = BTreeMap::new();
        for difference in differences {
            objects.entry(&difference.object).or_default().push(difference);
        }
        let whole: BTreeSet<&str> = objects
            .keys()
            .filter(|object| matches!(object.kind, Kind::Table | Kind::View))
            .map(|object| object.name.as_str())
            .collect();
        // The parts of what is listed go without saying.
        let lines: Vec<String> = objects
            .iter()
            .filter(|(object, _)| !owner(object).is_some_and(|owner| whole.contains(owner)))
            .map(|(object, differences)| format!("{object} {}", in_words(differences)))
            .collect();
        if lines.is_empty() {
            self.line("", &self.paint(GREEN, "no difference"), None);
        }
        for line in lines.iter().take(SHOWN) {
            self.line("", &self.paint(YELLOW, line), None);
        }
        if lines.len() > SHOWN {
            let others = format!("and {} more", lines.len() - SHOWN);
            self.line("", &self.paint(YELLOW, &others), None);
        }
    }

    /// What was there before the damage, after it, and after the restore.
    fn table(&self, [before, damaged, after]: [&Description; 3], differences: &[Difference]) {
        let row = |title: &str, counts: [String; 3], same: bool, digest: &str| {
            let [before, damaged, after] = counts;
            let same = if same { self.paint(GREEN, "yes") } else { self.paint(RED, "NO ") };
            let digest = self.paint(DIM, digest);
            let line =
                format!("{title:<14}{before:>12}{damaged:>12}{after:>12}   {same}  {digest}");
            print_line(line.trim_end());
        };
        print_line("");
        let heading = format!(
            "{:<14}{:>12}{:>12}{:>12}   identical, digest",
            "rows of", "before", "damaged", "restored"
        );
        print_line(&self.paint(BOLD, &heading));
        for name in before.tables.keys() {
            let rows = |description: &Description| match description.tables.get(name) {
                Some(data) => grouped(data.rows),
                None => String::from("gone"),
            };
            let digest = |description: &Description| {
                description.tables.get(name).map(|data| data.digest.to_string()).unwrap_or_default()
            };
            let same = digest(before) == digest(after)
                && !differences.iter().any(|difference| {
                    let object = &difference.object;
                    owner(object).unwrap_or(&object.name) == name
                });
            let short: String = digest(after).chars().take(16).collect();
            row(name, [rows(before), rows(damaged), rows(after)], same, &short);
        }
        let heading =
            format!("{:<14}{:>12}{:>12}{:>12}", "number of", "before", "damaged", "restored");
        print_line(&self.paint(BOLD, &heading));
        let routines = [Kind::Function, Kind::Procedure, Kind::Package, Kind::PackageBody];
        let groups: [(&str, &[Kind]); 4] = [
            ("views", &[Kind::View]),
            ("triggers", &[Kind::Trigger]),
            ("routines", &routines),
            ("events", &[Kind::Event]),
        ];
        for (title, kinds) in groups {
            let count = |description: &Description| {
                let objects = description.objects.keys();
                grouped(number(objects.filter(|object| kinds.contains(&object.kind)).count()))
            };
            let same =
                !differences.iter().any(|difference| kinds.contains(&difference.object.kind));
            row(title, [count(before), count(damaged), count(after)], same, "");
        }
        print_line("");
        let (colour, verdict) = if differences.is_empty() {
            (GREEN, String::from("Everything came back: all rows and definitions, byte for byte."))
        } else {
            (RED, format!("{} differences remain.", grouped(number(differences.len()))))
        };
        print_line(&self.paint(colour, &verdict));
    }
}

const BOLD: u8 = 1;
const DIM: u8 = 2;
const RED: u8 = 31;
const GREEN: u8 = 32;
const YELLOW: u8 = 33;

/// The table or view that an object is a part of.
fn owner(object: &Object) -> Option<&str> {
    match object.kind {
        Kind::Column | Kind::Index | Kind::Partition => {
            object.name.split_once('.').map(|(owner, _)| owner)
        }
        _ => None,
    }
}

/// What is different about one object.
fn in_words(differences: &[&Difference]) -> String {
    let of_object = differences.iter().find(|difference| difference.row.is_none());
    let in_row = differences.iter().find_map(|difference| match &difference.row {
        // Rows that only one side has are named by all their values if there is no key.
        Some(row) if difference.attribute != EXISTS => Some((row, &difference.attribute)),
        _ => None,
    });
    match (of_object, in_row) {
        (Some(object), _) if object.attribute == EXISTS && object.right == "false" => {
            String::from("is gone")
        }
        (Some(object), _) if object.attribute == EXISTS => String::from("was not there before"),
        (_, Some((row, column))) => format!("differs in its rows: {column} where {row}, …"),
        (Some(object), None) if object.attribute == DATA => String::from("differs in its rows"),
        _ => String::from("differs in its definition"),
    }
}

fn number(count: usize) -> u64 {
    u64::try_from(count).unwrap_or(u64::MAX)
}
