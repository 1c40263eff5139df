//! What operations say to the log of the application: everything inside a span that says which
//! operation it is, whatever thread does the work, and nothing that is secret.

use std::cell::RefCell;
use std::collections::HashMap;
use std::fmt::{Debug, Write as _};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use snapdump::{Context, DumpOptions, ErrorKind, RestoreOptions, dump_to_path, restore, verify};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::subscriber::DefaultGuard;
use tracing::{Event, Metadata, Subscriber};
use tracing_core::span::Current;

use crate::backup::state;
use crate::compare::compare;
use crate::harness::{TestDatabase, TestServer};
use crate::roundtrip::{connect, scratch};

/// Keeps every event, with the spans that it is in.
#[derive(Clone, Default)]
struct Log(Arc<Inner>);

#[derive(Default)]
struct Inner {
    next: AtomicU64,
    spans: Mutex<HashMap<u64, Span>>,
    lines: Mutex<Vec<String>>,
}

struct Span {
    metadata: &'static Metadata<'static>,
    parent: Option<u64>,
    text: String,
}

thread_local! {
    /// The spans that this thread is in.
    static ENTERED: RefCell<Vec<u64>> = const { RefCell::new(Vec::new()) };
    /// Has this thread log.
    static LOGS: RefCell<Option<DefaultGuard>> = const { RefCell::new(None) };
}

struct Fields<'a>(&'a mut String);

impl Visit for Fields<'_> {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        match field.name() {
            "message" => write!(self.0, " {value:?}").unwrap(),
            name => write!(self.0, " {name}={value:?}").unwrap(),
        }
    }
}

/// The span in which something new is.
fn parent(explicit: Option<&Id>, contextual: bool) -> Option<u64> {
    let current = || ENTERED.with_borrow(|entered| entered.last().copied());
    explicit.map(Id::into_u64).or_else(|| contextual.then(current).flatten())
}

impl Subscriber for Log {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn new_span(&self, span: &Attributes<'_>) -> Id {
        let id = self.0.next.fetch_add(1, Ordering::Relaxed) + 1;
        let metadata = span.metadata();
        let parent = parent(span.parent(), span.is_contextual());
        let mut text = metadata.name().to_owned();
        span.record(&mut Fields(&mut text));
        self.0.spans.lock().unwrap().insert(id, Span { metadata, parent, text });
        Id::from_u64(id)
    }

    fn record(&self, id: &Id, values: &Record<'_>) {
        let mut spans = self.0.spans.lock().unwrap();
        values.record(&mut Fields(&mut spans.get_mut(&id.into_u64()).unwrap().text));
    }

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        let mut line = format!("{} {}:", event.metadata().level(), event.metadata().target());
        event.record(&mut Fields(&mut line));
        let spans = self.0.spans.lock().unwrap();
        let mut next = parent(event.parent(), event.is_contextual());
        while let Some(span) = next.map(|id| &spans[&id]) {
            line = format!("[{}] {line}", span.text);
            next = span.parent;
        }
        self.0.lines.lock().unwrap().push(line);
    }

    fn enter(&self, id: &Id) {
        ENTERED.with_borrow_mut(|entered| entered.push(id.into_u64()));
    }

    fn exit(&self, id: &Id) {
        ENTERED.with_borrow_mut(|entered| {
            let at = entered.iter().rposition(|one| *one == id.into_u64()).unwrap();
            entered.remove(at);
        });
    }

    fn current_span(&self) -> Current {
        match parent(None, true) {
            Some(id) => Current::new(Id::from_u64(id), self.0.spans.lock().unwrap()[&id].metadata),
            None => Current::none(),
        }
    }
}

/// What was logged, a line for each event: `[span field=value] [inner span] LEVEL target: …`.
#[derive(Debug)]
pub(crate) struct Lines(pub(crate) Vec<String>);

impl Lines {
    /// Fails unless there is a line with all of these texts.
    pub(crate) fn has(&self, texts: &[&str]) {
        let has = |line: &String| texts.iter().all(|text| line.contains(text));
        assert!(self.0.iter().any(has), "{texts:?}: {self:#?}");
    }

    /// Fails if a text is in any line.
    pub(crate) fn never(&self, texts: &[&str]) {
        for text in texts {
            assert!(!self.0.iter().any(|line| line.contains(text)), "{text}: {self:#?}");
        }
    }

    /// Fails unless every line of the library is in one of the spans, which are given with their
    /// opening bracket.
    pub(crate) fn all_in(&self, spans: &[&str]) {
        let own = self.0.iter().filter(|line| line.contains(" snapdump::"));
        for line in own {
            assert!(spans.iter().any(|span| line.starts_with(span)), "{line}");
        }
    }
}

/// Runs a test's work on a runtime of its own, all of whose threads log.
pub(crate) async fn logged<T: Send + 'static>(
    work: impl Future<Output = T> + Send + 'static,
) -> (T, Lines) {
    // As long as a program has one subscriber only, what is logged for the first time on a thread
    // without it is never logged on any other. A second one prevents that.
    let (log, second) = (Log::default(), tracing::Dispatch::new(Log::default()));
    let of_threads = log.clone();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .on_thread_start(move || {
            let guard = tracing::subscriber::set_default(of_threads.clone());
            LOGS.set(Some(guard));
        })
        .on_thread_stop(|| drop(LOGS.take()))
        .build()
        .unwrap();
    let done = runtime.spawn(work).await;
    runtime.shutdown_background();
    drop(second);
    let lines = Lines(log.0.lines.lock().unwrap().clone());
    match done {
        Ok(done) => (done, lines),
        Err(error) => panic!("{error}: {lines:#?}"),
    }
}

/// The password of the server.
pub(crate) fn password(server: &TestServer) -> String {
    let opts = mysql_async::Opts::from_url(&server.url).unwrap();
    opts.pass().unwrap().to_owned()
}

/// Three tables, each long enough for a member of its own, and read apart for its DOUBLE.
async fn database_of_three(server: &TestServer) -> TestDatabase {
    let database = server.database().await;
    for table in ["a", "b", "c"] {
        let rows = vec!["REPEAT('hushed', 10000)"; 3];
        let rows: Vec<_> =
            (0..).zip(rows).map(|(id, text)| format!("({id}, {text}, 0.5)")).collect();
        let create = format!("CREATE TABLE {table} (id INT PRIMARY KEY, s TEXT, d DOUBLE)");
        let insert = format!("INSERT INTO {table} VALUES {}", rows.join(","));
        database.run(&[&create, &insert]).await;
    }
    database
}

on_each_server! {
    async fn every_event_of_an_operation_is_in_its_span(server: TestServer) {
        let database = database_of_three(&server).await;
        let (_directory, path) = scratch();
        let (options, file) = (connect(&database), path.clone());
        let ((), lines) = logged(async move {
            let context = Context::new();
            let dumped = DumpOptions::default().with_connections(2);
            dump_to_path(&options, &file, &dumped, &context).await.unwrap();
            verify(&file, &context).await.unwrap();
            let restored = RestoreOptions::default()
                .with_connections(2)
                .with_restore_point_directory(file.parent().unwrap());
            restore(&options, &file, &restored, &context).await.unwrap();
            let missing = file.with_file_name("missing.sql");
            let error = restore(&options, &missing, &restored, &context).await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Io);
            verify(&missing, &context).await.unwrap_err();
        })
        .await;

        let (name, url) = (&database.name, connect(&database).to_string());
        let file = path.display().to_string();
        let dump = format!("[dump server={url} databases=Current file={file:?}] ");
        lines.has(&[&dump, "DEBUG", "phase=tables"]);
        for table in ["a", "b", "c"] {
            let table = format!("[table database={name:?} table={table:?}] DEBUG ");
            lines.has(&[&dump, &table, "rows read", "rows=3"]);
        }
        lines.has(&[&dump, "INFO snapdump::dump: dumped", "tables=3 rows=9 bytes="]);
        let verify = format!("[verify file={file:?}] ");
        lines.has(&[&verify, "INFO snapdump::archive::verify: verified", "rows=9 bytes="]);
        let restore = format!("[restore target={url} file={file:?}] ");
        let prepare = format!("{restore}[prepare target={url} file={file:?}] ");
        lines.has(&[&prepare, "phase=check"]);
        lines.has(&[&prepare, "[dump ", "INFO snapdump::dump: dumped"]);
        lines.has(&[&prepare, "[verify ", "INFO snapdump::archive::verify: verified"]);
        lines.has(&[&prepare, "INFO snapdump::restore: prepared"]);
        let apply = format!("{restore}[apply target={url} file={file:?}] ");
        lines.has(&[&apply, "INFO snapdump::restore: applied", "rows=9"]);
        lines.has(&["[restore ", "missing.sql\"] [prepare ", "DEBUG", "could not open the file"]);
        lines.has(&["[verify ", "missing.sql\"] DEBUG", "could not open the backup"]);

        // Tasks, futures beside one another, and threads of the blocking pool.
        for (span, text) in [
            ("[dump ", "a reader begins"),
            ("[dump ", "packing a member"),
            ("[connection number=0] ", "reading a member"),
            ("[connection number=1] ", "reading a member"),
        ] {
            lines.has(&[span, text]);
        }
        lines.all_in(&["[dump ", "[verify ", "[restore "]);
        lines.never(&[&password(&server), "hushed"]);
    }

    /// A dump of a stock tool: read in order, and its rows by several connections.
    async fn every_event_of_a_foreign_restore_is_in_its_span(server: TestServer) {
        let database = database_of_three(&server).await;
        let target = server.database().await;
        let (directory, _) = scratch();
        let path = directory.path().join("stock.sql");
        // Rows of a transaction that stays open are not shared out.
        let options = ["--skip-extended-insert", "--skip-no-autocommit"];
        std::fs::write(&path, database.stock_dump(&options).await).unwrap();
        let (options, file) = (connect(&target), path.clone());
        let ((), lines) = logged(async move {
            // Tables from one byte on.
            let shared = RestoreOptions::default().with_connections(2).with_deferred_index_bytes(1);
            restore(&options, &file, &shared, &Context::new()).await.unwrap();
        })
        .await;
        let apply = format!("[apply target={} file=", connect(&target));
        lines.has(&[&apply, "reading a script"]);
        for number in 0..2 {
            let connection = format!("[connection number={number}] ");
            lines.has(&[&apply, &connection, "sends rows"]);
        }
        lines.all_in(&["[restore "]);
        lines.never(&[&password(&server), "hushed"]);
    }

    /// Large tables lose their indexes until their rows are there, whether one connection has read
    /// them or several.
    async fn indexes_that_wait_are_told_of(server: TestServer) {
        let database = server.database().await;
        let rows = "INSERT INTO t WITH RECURSIVE s AS (SELECT 1 AS id UNION ALL SELECT id + 1 FROM s \
                    WHERE id < 900) SELECT id, CONCAT(id, REPEAT('x', 990)), NULL FROM s";
        let table = |name: &str| {
            format!("CREATE TABLE {name} (id INT PRIMARY KEY, s TEXT, n INT, KEY by_s (s(20)))")
        };
        database.run(&[&table("t"), rows, &table("small"), "INSERT INTO small VALUES (1, '', 2)"]).await;
        for connections in [1, 2] {
            let target = server.database().await;
            let (_directory, path) = scratch();
            let (source, into) = (connect(&database), connect(&target));
            let ((), lines) = logged(async move {
                let options = DumpOptions::default()
                    .with_connections(connections)
                    .with_chunk_bytes(100 << 10);
                dump_to_path(&source, &path, &options, &Context::new()).await.unwrap();
                let options =
                    RestoreOptions::default().with_connections(2).with_deferred_index_bytes(800_000);
                restore(&into, &path, &options, &Context::new()).await.unwrap();
            })
            .await;
            lines.has(&["its indexes wait for its rows", "`t`", "DROP KEY `by_s`"]);
            let waits = |line: &&String| line.contains("its indexes wait for its rows");
            assert_eq!(lines.0.iter().filter(waits).count(), 1);
            let differences = compare(&state(&database).await, &state(&target).await);
            assert!(differences.is_empty(), "{differences:?}");
        }
    }
}
