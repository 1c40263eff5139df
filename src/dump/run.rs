//! One dump, from its snapshot to its footer.

use std::sync::Arc;
use std::time::Instant;

use chrono::{DateTime, Utc};
use tokio::io::AsyncWrite;
use tokio::sync::{Mutex, mpsc};

use super::accounts::AccountsPlan;
use super::exact::ExactText;
use super::guard::Guard;
use super::options::DumpOptions;
use super::plan::Plan;
use super::reader::{Reader, Shared};
use super::report::DumpReport;
use super::script::Script;
use super::{cause, count, history, preflight, spatial};
use crate::archive::{
    ArchiveWriter, Buffers, DatabaseEntry, Draft, FORMAT_VERSION, Manifest, ObjectEntry, Section,
    Snapshot,
};
use crate::context::Context;
use crate::error::{Error, ErrorKind, Result};
use crate::ident::{ObjectKind, ObjectName, quote_identifier};
use crate::progress::Phase;
use crate::server::{ConnectOptions, Database, Opened, Session, start_snapshot};

/// How many tables are locked by a statement; there is a limit to the tables of one.
const TABLES_IN_LOCK: usize = 50;

/// What is said where the metadata lock of a table is not freed once it is read.
const HELD_LOCKS: &str = "nobody could alter a table from when the dump had read it until the dump ended: \
     the server writes a binary log, and frees the metadata locks of a dump before its end only for an \
     account with BINLOG ADMIN";

/// Dumps; see [`super::dump`].
pub(super) async fn run<W: AsyncWrite + Unpin + Send>(
    connect: &ConnectOptions,
    output: W,
    options: &DumpOptions,
    context: &Context,
) -> Result<DumpReport> {
    let started = Instant::now();
    options.compression().check()?;
    context.enter(Phase::Connect);
    // What stops one part of the dump stops all of it, and nothing of the caller's.
    let context = &context.branch();
    let mut sessions = vec![Session::open(connect, context).await?];
    let (snapshot, shared) = match prepare(&mut sessions, connect, options).await {
        Ok(prepared) => prepared,
        Err(error) => {
            close_all(sessions).await;
            return Err(error);
        }
    };
    let archive =
        ArchiveWriter::new(output, options.compression(), options.compression_threads(), context);
    // One member may wait; more would only take memory.
    let (members, drafts) = mpsc::channel(1);
    let mut dump = Dump::new(sessions, shared, &members, &archive.buffers(), context)?;
    drop(members);
    let done = dump.write(archive, drafts, snapshot, started).await;
    // Also after a failure: a query that still runs is killed before the caller hears of it.
    dump.close().await;
    done
}

/// The snapshot, with its moment.
struct Taken {
    snapshot: Snapshot,
    created_at: DateTime<Utc>,
    accounts: Option<AccountsPlan>,
}

/// Opens the snapshot and decides what to dump. `sessions` holds one connection, and afterwards all
/// that are to read.
async fn prepare(
    sessions: &mut Vec<Session>,
    connect: &ConnectOptions,
    options: &DumpOptions,
) -> Result<(Taken, Shared)> {
    let main = |sessions: &mut Vec<Session>| sessions.pop().ok_or_else(no_connection);
    let mut first = main(sessions)?;
    let context = first.context().clone();
    let wait = options.lock_wait_seconds();
    let done = async {
        first.set_up_for_dump(wait).await?;
        context.enter(Phase::Plan);
        let names = Plan::names(&mut first, connect.database(), options).await?;
        let guard = Guard::take(connect, &names, wait, &context).await?;
        Ok::<_, Error>((names, guard))
    }
    .await;
    sessions.push(first);
    let (names, guard) = done?;
    while sessions.len() < options.connections() {
        let mut helper = Session::open(connect, &context).await?;
        let ready = helper.set_up_for_dump(wait).await;
        sessions.push(helper);
        ready?;
    }
    let Opened { snapshot, holds_locks } = start_snapshot(connect, sessions).await?;
    let created_at = Utc::now();
    let first = sessions.first_mut().ok_or_else(no_connection)?;
    let mut plan = Plan::make(first, names, options).await?;
    let mut warnings = preflight::check(first, &mut plan, options).await?;
    warnings.extend(spatial::check(first, &plan, options).await?);
    let history = history::settle(first, &plan, options).await?;
    first.release_metadata_locks().await?;
    context.counters().tables_total.set(count(plan.tables()));
    context.counters().rows_total.set(plan.rows_estimate());
    if holds_locks && !options.metadata_locks_kept() {
        warnings.push(HELD_LOCKS.to_owned());
    }
    let accounts = if options.accounts() {
        let accounts = AccountsPlan::read(connect, &context, &plan, wait).await?;
        warnings.extend_from_slice(accounts.warnings());
        Some(accounts)
    } else {
        None
    };
    let shared = Shared {
        plan,
        options: options.clone().with_history(history),
        guard: Mutex::new(guard),
        exact: Mutex::new(ExactText::new(connect, wait, &context)),
        connect: connect.clone(),
        warnings,
    };
    Ok((Taken { snapshot, created_at, accounts }, shared))
}

fn no_connection() -> Error {
    Error::new(ErrorKind::Internal, "the dump has no connection")
}

async fn close_all(sessions: impl IntoIterator<Item = Session>) {
    futures::future::join_all(sessions.into_iter().map(Session::close)).await;
}

fn database_entry(database: &Database) -> DatabaseEntry {
    DatabaseEntry::new(database.name.clone(), database.charset.clone(), database.collation.clone())
}

/// A dump under way.
pub(super) struct Dump {
    /// The connection that does everything but share the tables.
    pub(super) main: Reader,
    /// Those that read tables with it.
    pub(super) helpers: Vec<Reader>,
    pub(super) shared: Arc<Shared>,
    /// The manifest's objects so far.
    pub(super) objects: Vec<ObjectEntry>,
    pub(super) warnings: Vec<String>,
}
impl Dump {
    fn new(
        sessions: Vec<Session>,
        shared: Shared,
        members: &mpsc::Sender<Draft>,
        buffers: &Buffers,
        context: &Context,
    ) -> Result<Self> {
        let warnings = shared.warnings.clone();
        let shared = Arc::new(shared);
        let mut readers = sessions.into_iter().map(|session| {
            let script = Script::new(members.clone(), buffers.clone(), context.clone());
            Reader::new(session, script, Arc::clone(&shared))
        });
        let main = readers.next().ok_or_else(no_connection)?;
        let helpers = readers.collect();
        Ok(Self { main, helpers, shared, objects: Vec::new(), warnings })
    }

    /// Makes the members and writes them, both at once, then the footer.
    async fn write<W: AsyncWrite + Unpin + Send>(
        &mut self,
        mut archive: ArchiveWriter<'_, W>,
        drafts: mpsc::Receiver<Draft>,
        taken: Taken,
        started: Instant,
    ) -> Result<DumpReport> {
        let context = self.main.context().clone();
        let writing = async {
            let done = archive.append_all(drafts).await;
            if done.is_err() {
                // The readers would find out with their next member, which may be far off.
                context.cancel();
            }
            done
        };
        let (made, written) = tokio::join!(self.make(taken.accounts.as_ref()), writing);
        cause(written, made)?;
        let mut left_out = self.shared.plan.left_out.clone();
        let mut account_names = Vec::new();
        if let Some(accounts) = taken.accounts {
            left_out.extend_from_slice(accounts.left_out());
            account_names = accounts.check().await?;
        }

        let plan = &self.shared.plan;
        let main = &self.main;
        let largest = self.helpers.iter().chain([main]).map(|reader| &reader.script);
        let largest = largest.map(Script::largest_statement_bytes).max().unwrap_or(0);
        let manifest = Manifest {
            format: FORMAT_VERSION,
            writer: concat!("snapdump ", env!("CARGO_PKG_VERSION")).to_owned(),
            created_at: taken.created_at,
            flavor: main.session.flavor().to_string(),
            server_version: main.session.version().as_str().to_owned(),
            snapshot: taken.snapshot,
            names_databases: plan.names_databases,
            databases: plan.databases.iter().map(database_entry).collect(),
            objects: std::mem::take(&mut self.objects),
            accounts: account_names,
            left_out,
            warnings: std::mem::take(&mut self.warnings),
            largest_statement_bytes: largest,
        };
        let (written, _) = archive.finish(&manifest).await?;
        let counts = manifest.counts();
        Ok(DumpReport {
            tables: counts.get(&ObjectKind::Table).copied().unwrap_or(0),
            accounts: count(manifest.accounts.len()),
            rows: manifest.rows(),
            objects: counts,
            sql_bytes: written.sql_bytes,
            file_bytes: written.bytes,
            members: written.members,
            duration: started.elapsed(),
            snapshot: manifest.snapshot,
            sha256: written.sha256,
            warnings: manifest.warnings,
        })
    }

    /// Makes all members.
    async fn make(&mut self, accounts: Option<&AccountsPlan>) -> Result<()> {
        let context = self.main.context().clone();
        let made = async {
            context.enter(Phase::Tables);
            if self.shared.options.metadata_locks_kept() {
                self.keep_metadata_locks().await?;
            }
            self.start().await?;
            if let Some(accounts) = accounts {
                self.statements(Section::Accounts, accounts.create()).await?;
            }
            self.tables().await?;
            context.enter(Phase::Objects);
            if self.shared.options.definitions() {
                self.programs().await?;
            }
            self.check_guard().await?;
            context.counters().work_on(None);
            context.enter(Phase::Publish);
            if let Some(accounts) = accounts {
                self.statements(Section::Grants, accounts.grants()).await?;
            }
            self.end().await?;
            self.main.script.close_member().await
        }
        .await;
        // The writer is to end: it waits as long as somebody could send.
        for reader in self.helpers.iter_mut().chain([&mut self.main]) {
            reader.script.close();
        }
        made
    }

    /// Takes the metadata locks of all tables for the time of the dump.
    async fn keep_metadata_locks(&mut self) -> Result<()> {
        let shared = Arc::clone(&self.shared);
        for database in &shared.plan.databases {
            self.use_database(database).await?;
            let places: Vec<usize> = (0..database.tables.len()).collect();
            for places in places.chunks(TABLES_IN_LOCK) {
                self.main.lock_tables(database, places).await?;
            }
        }
        self.main.session.keep_metadata_locks().await
    }

    /// Fails if what was dumped is not one state.
    async fn check_guard(&mut self) -> Result<()> {
        let mut guard = self.shared.guard.lock().await;
        guard.check_rows(&self.shared.plan.databases).await?;
        if self.shared.options.definitions() {
            for database in &self.shared.plan.databases {
                guard.check_programs(database).await?;
            }
        }
        let definitions = self.shared.options.definitions();
        guard.check_complete(&self.shared.plan, &self.objects, definitions)
    }

    async fn close(self) {
        let Self { main, helpers, shared, .. } = self;
        let sessions = helpers.into_iter().chain([main]).flat_map(|reader| {
            [Some(reader.session), reader.still.into_session()].into_iter().flatten()
        });
        close_all(sessions).await;
        if let Some(shared) = Arc::into_inner(shared) {
            shared.guard.into_inner().close().await;
            shared.exact.into_inner().close().await;
        }
    }

    /// A section of statements that belong to no database.
    async fn statements(&mut self, section: Section, statements: &[String]) -> Result<()> {
        let script = &mut self.main.script;
        script.section(section, None).await?;
        for sql in statements {
            script.statement(sql);
            script.close_full_member().await?;
        }
        Ok(())
    }

    /// Starts a section: what follows is in members of its own.
    pub(super) async fn section(&mut self, section: Section, number: u32) -> Result<()> {
        self.main.script.section(section, Some(number)).await
    }

    pub(super) async fn use_database(&mut self, database: &Database) -> Result<()> {
        self.main.session.execute(format!("USE {}", quote_identifier(&database.name))).await
    }

    pub(super) fn enter_object(
        &self,
        kind: ObjectKind,
        database: &Database,
        name: &str,
    ) -> ObjectName {
        let object = ObjectName::new(kind, &database.name, name);
        self.main.context().counters().work_on(Some(object.clone()));
        object
    }
}
