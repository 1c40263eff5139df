//! The matrix: every fault in every phase. A proxy holds the operation at a statement of that
//! phase, so that the fault comes exactly there.

use std::io::Write as _;
use std::path::Path;
use std::time::{Duration, Instant};

use snapdump::{Context, DumpOptions, ErrorKind, Phase as Step, TlsMode, dump_to_path, restore};

use super::property::After;
use super::proxy::Proxy;
use super::world::{BOUND, End, World, try_all};
use super::{chosen, figure};
use crate::backup::assert_error;
use crate::harness::{TestServer, soon};
use crate::roundtrip::connect;

/// What passes to the server in the phases of a dump, in their order.
pub(super) const DUMP_PHASES: [(&str, &str); 5] = [
    ("snapshot", "CONSISTENT SNAPSHOT"),
    ("tables", "SHOW CREATE TABLE `items`"),
    ("rows", "FROM `items`"),
    ("views", "SHOW CREATE VIEW"),
    ("events", "SHOW CREATE EVENT"),
];

/// The same of a restore over something, and what the target is by then.
pub(super) const RESTORE_PHASES: [(&str, &str, End); 8] = [
    ("check", "SELECT DATABASE(), @@character_set_database", End::Before),
    ("end of the check", "SELECT TRIM(TRAILING ' ' FROM User)", End::Before),
    ("restore point", "CONSISTENT SNAPSHOT", End::Before),
    ("rows of the restore point", "FROM `items`", End::Before),
    ("replay of definitions", "CREATE TABLE `only_new`", End::Between),
    ("replay of rows", "INSERT INTO `items`", End::Between),
    ("replay of views", "`words` AS ", End::Between),
    ("comparison", "SELECT COUNT(*) FROM `items`", End::After),
];

/// A row of the tables above.
pub(super) trait Phase: Copy {
    /// What is held there.
    fn text(&self) -> &'static str;

    fn holds_commits(&self) -> bool {
        self.text() == "CONSISTENT SNAPSHOT"
    }
}

impl Phase for (&'static str, &'static str) {
    fn text(&self) -> &'static str {
        self.1
    }
}

impl Phase for (&'static str, &'static str, End) {
    fn text(&self) -> &'static str {
        self.1
    }
}

/// What is done to an operation that is held.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fault {
    /// Another client kills all of our connections.
    Kill,
    /// The network drops all of our connections.
    Cut,
    /// Nothing passes any more, on no connection, and nobody is told.
    Blackout,
    Cancel,
    /// The future is dropped.
    Drop,
}

const FAULTS: [Fault; 5] = [Fault::Kill, Fault::Cut, Fault::Blackout, Fault::Cancel, Fault::Drop];

/// Brings the fault on the held operation, and returns how it ended, if anybody hears of that.
async fn inject<T: Send + std::fmt::Debug + 'static>(
    fault: Fault,
    proxy: Proxy,
    server: &TestServer,
    context: &Context,
    mut running: tokio::task::JoinHandle<snapdump::Result<T>>,
) -> Option<snapdump::Error> {
    proxy.held_before(&mut running).await;
    let mut proxy = Some(proxy);
    match fault {
        Fault::Kill => {
            proxy.as_ref().unwrap().kill_all(server).await;
            proxy.as_ref().unwrap().release();
        }
        Fault::Cut => proxy.take().unwrap().stop().await,
        Fault::Blackout => proxy.as_ref().unwrap().blackout(),
        Fault::Cancel => {
            context.cancel();
            proxy.as_ref().unwrap().release();
        }
        Fault::Drop => {
            running.abort();
            proxy.as_ref().unwrap().release();
        }
    }
    let since = Instant::now();
    let ended = tokio::time::timeout(BOUND, running).await.expect("no end");
    assert!(since.elapsed() < BOUND);
    // The connections through the proxy are needed up to here.
    drop(proxy);
    match ended {
        Ok(Ok(_)) => panic!("{fault:?}: the operation went on"),
        Ok(Err(error)) => Some(error),
        Err(stopped) => {
            assert!(stopped.is_cancelled(), "{fault:?}: {stopped}");
            None
        }
    }
}

fn assert_kind(world: &World, fault: Fault, what: &str, error: Option<&snapdump::Error>) {
    let Some(error) = error else { return assert_eq!(fault, Fault::Drop) };
    assert_error(&world.server, error, error.kind(), &[]);
    let kinds: &[ErrorKind] = match fault {
        Fault::Cancel => &[ErrorKind::Cancelled],
        _ => &[ErrorKind::Connect, ErrorKind::RestorePoint],
    };
    assert!(kinds.contains(&error.kind()), "{what}: {} {}", error.kind(), error.chain());
}

/// The cases of a matrix that are tried on this server.
fn cases<P: Phase>(server: &TestServer, phases: &[P]) -> Vec<(P, Fault)> {
    let all = phases.iter().flat_map(|phase| FAULTS.map(|fault| (*phase, fault)));
    // Where commits are held back, other tests would wait for the server to notice; a server of
    // its own has that case (`vanished_with_the_lock`).
    let all = all.filter(|(phase, fault)| *fault != Fault::Blackout || !phase.holds_commits());
    all.enumerate().filter(|(at, _)| chosen(server, *at)).map(|(_, case)| case).collect()
}

on_each_server! {
    async fn a_dump_in_every_phase(server: TestServer) {
        try_all(&server, 50, cases(&server, &DUMP_PHASES), async |world, ((phase, text), fault)| {
            figure("faults injected", 1);
            let options = world.from().with_tls_mode(TlsMode::Disabled);
            let what = format!("{fault:?} during a dump: {phase}");
            let proxy = Proxy::hold_at(&options, text, 0).await;
            let (context, path) = (Context::new(), world.directory.path().join("dump.sql.gz"));
            let (connect, inner) = (proxy.options(&options), context.clone());
            let running = tokio::spawn(async move {
                dump_to_path(&connect, path, &DumpOptions::default(), &inner).await
            });
            let error = inject(fault, proxy, &world.server, &context, running).await;
            assert_kind(world, fault, &what, error.as_ref());
            assert_eq!(crate::backup::files_in(world.directory.path()), [""; 0], "{what}");
            assert_eq!(world.assert_property(After::Operation, &what).await.end, End::Before, "{what}");
        })
        .await;
    }

    async fn a_restore_in_every_phase(server: TestServer) {
        let cases = cases(&server, &RESTORE_PHASES);
        try_all(&server, 50, cases, async |world, ((phase, text, expected), fault)| {
            figure("faults injected", 1);
            let options = world.to().with_tls_mode(TlsMode::Disabled);
            let what = format!("{fault:?} during a restore: {phase}");
            let proxy = Proxy::hold_at(&options, text, 0).await;
            let context = Context::new();
            let (connect, inner) = (proxy.options(&options), context.clone());
            let (backup, how) = (world.backup(), world.restore_options());
            let running =
                tokio::spawn(async move { restore(&connect, backup, &how, &inner).await });
            let error = inject(fault, proxy, &world.server, &context, running).await;
            assert_kind(world, fault, &what, error.as_ref());
            let end = world.assert_property(After::Operation, &what).await.end;
            assert_eq!(end, expected, "{what}");
        })
        .await;
    }
}

/// A script whose check does not come to its end: gigabytes of line breaks.
fn write_endless(path: &Path) {
    let mut member = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    member.write_all(b"SELECT 1;\n").unwrap();
    member.write_all(&vec![b'\n'; 16 << 20]).unwrap();
    let member = member.finish().unwrap();
    std::fs::write(path, member.repeat(1_000)).unwrap();
}

/// Stopped while the file is read: at once, and nothing has happened.
#[tokio::test]
async fn a_restore_in_the_check_of_its_file() {
    let server = TestServer::mariadb_10_11();
    let world = World::make(&server, 5).await;
    let scripts = tempfile::tempdir().unwrap();
    let script = scripts.path().join("endless.sql.gz");
    write_endless(&script);
    for fault in [Fault::Cancel, Fault::Drop] {
        figure("faults injected", 1);
        let (context, to) = (Context::new(), world.to());
        let (path, how, inner) = (script.clone(), world.restore_options(), context.clone());
        let running = tokio::spawn(async move { restore(&to, path, &how, &inner).await });
        loop {
            let progress = context.progress();
            if progress.phase == Step::Check && progress.bytes_done > 0 {
                break;
            }
            assert!(!running.is_finished(), "{:?}", running.await);
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        match fault {
            Fault::Cancel => context.cancel(),
            _ => running.abort(),
        }
        let ended = tokio::time::timeout(BOUND, running).await.expect("no end");
        let error = ended.map(Result::unwrap_err).ok();
        assert_kind(&world, fault, "check", error.as_ref());
        assert_eq!(
            world.assert_property(After::Operation, "the check of its file").await.end,
            End::Before
        );
    }
    out_of_time(&world, &script, None, Step::Check, End::Before).await;
}

/// What has been replayed but not compared is not taken for restored.
#[tokio::test]
async fn a_restore_out_of_time_in_its_comparison() {
    let world = World::make(&TestServer::mysql_9_7(), 5).await;
    let text = Some("SELECT COUNT(*) FROM `items`");
    out_of_time(&world, &world.backup(), text, Step::Compare, End::After).await;
}

/// Lets a restore run out of time in a phase; it is held there, or does not leave it by itself.
async fn out_of_time(
    world: &World,
    script: &Path,
    text: Option<&'static str>,
    phase: Step,
    expected: End,
) {
    // Patient: nobody else ends it.
    let options = connect(&world.target).with_tls_mode(TlsMode::Disabled);
    let mut limit = soon();
    loop {
        figure("faults injected", 1);
        let proxy = Proxy::hold_at(&options, text.unwrap_or("no such text"), 0).await;
        let context = Context::new().with_timeout(limit);
        let (via, how) = (proxy.options(&options), world.restore_options());
        let running = restore(&via, script, &how, &context);
        let error = tokio::time::timeout(BOUND, running).await.expect("no end").unwrap_err();
        proxy.stop().await;
        assert_error(&world.server, &error, ErrorKind::TimedOut, &[]);
        let end =
            world.assert_property(After::Operation, &format!("out of time in {phase}")).await.end;
        if error.location().phase == Some(phase) {
            return assert_eq!(end, expected);
        }
        // It did not come so far in this time.
        assert!(limit < BOUND, "{}", error.chain());
        limit *= 2;
    }
}
