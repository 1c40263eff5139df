//! Dumps databases of a live server into one file.
//!
//! The order of the script is the order of FORMAT.md: session settings; for each database its
//! tables with their rows, and stand-ins for its views; then, when every table of every database
//! is there, routines, views, triggers and events; settings back; footer.

mod accounts;
mod chunk;
mod definer;
mod exact;
mod guard;
mod history;
mod objects;
mod options;
mod partition_values;
mod plan;
mod preflight;
mod printed;
mod reader;
mod report;
mod rows;
mod script;
mod select;
mod still;
mod table;
mod view_order;
mod work;

pub use options::{Databases, Definer, DumpOptions, History, NonTransactional};
pub use report::DumpReport;
pub use select::Selector;

use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use chrono::{DateTime, Utc};
use tokio::io::AsyncWrite;
use tokio::sync::{Mutex, mpsc};
use tokio::task::JoinSet;
use tracing::Instrument as _;

use crate::archive::{
    ArchiveWriter, Buffers, DatabaseEntry, Draft, FORMAT_VERSION, Manifest, ObjectEntry, SIGNATURE,
    Section, Snapshot,
};
use crate::context::Context;
use crate::error::{Error, ErrorKind, Result};
use crate::ident::{ObjectKind, ObjectName, quote_identifier};
use crate::progress::Phase;
use crate::server::{ConnectOptions, Database, Flavor, Session, start_snapshot};
use crate::sql::literal::{push_fmt, push_string};
use crate::store::StagedFile;
use accounts::AccountsPlan;
use exact::ExactText;
use guard::{Guard, at_object};
use objects::{SCRIPT_SQL_MODE, View};
use plan::Plan;
use reader::{Reader, Shared, TableWork};
use script::Script;

/// Dumps into a file that appears under its name only when it is whole.
///
/// The dump is written to a temporary file in the same directory, readable by its owner only
/// (mode 0600), flushed to disk and then renamed.
///
/// # Errors
/// As [`dump`], and [`ErrorKind::Io`] if the directory cannot be written or the file exists and
/// may not be replaced ([`DumpOptions::with_overwrite`]). No file is left behind.
///
/// # Cancel safety
/// Dropping the future leaves no file behind, and kills its query on the server.
pub async fn dump_to_path(
    connect: &ConnectOptions,
    path: impl AsRef<Path>,
    options: &DumpOptions,
    context: &Context,
) -> Result<DumpReport> {
    let path = path.as_ref();
    let at_file = |error: Error| error.at(|place| place.file = Some(path.display().to_string()));
    let mut staged =
        StagedFile::create(path, options.overwrite(), context).await.map_err(at_file)?;
    let report = dump(connect, staged.writer(), options, context).await?;
    staged.publish(context).await.map_err(at_file)?;
    Ok(report)
}

/// Dumps into any writer. The bytes are whole only if this returns `Ok`: a reader refuses them
/// otherwise, because the footer is missing.
///
/// # Errors
/// - [`ErrorKind::Config`]: the options ask for something that is not there.
/// - [`ErrorKind::Connect`], [`ErrorKind::Auth`]: no session with the server, or it broke.
/// - [`ErrorKind::Privilege`]: the account may not read something; the message names it.
/// - [`ErrorKind::Unsupported`]: something that this version does not know how to keep.
/// - [`ErrorKind::Changed`]: a definition was changed while the dump ran.
/// - [`ErrorKind::Server`], [`ErrorKind::Protocol`]: the server failed or misbehaved.
/// - [`ErrorKind::Io`]: the writer failed.
/// - [`ErrorKind::Cancelled`], [`ErrorKind::TimedOut`]: by the context.
///
/// # Cancel safety
/// Dropping the future kills its query on the server; the writer has then received a fragment.
pub async fn dump<W: AsyncWrite + Unpin + Send>(
    connect: &ConnectOptions,
    output: W,
    options: &DumpOptions,
    context: &Context,
) -> Result<DumpReport> {
    // In a box: the futures of those who call this stay small.
    Box::pin(run(connect, output, options, context)).await
}

async fn run<W: AsyncWrite + Unpin + Send>(
    connect: &ConnectOptions,
    output: W,
    options: &DumpOptions,
    context: &Context,
) -> Result<DumpReport> {
    let started = Instant::now();
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
    let snapshot = start_snapshot(connect, sessions).await?;
    let created_at = Utc::now();
    let first = sessions.first_mut().ok_or_else(no_connection)?;
    let mut plan = Plan::make(first, names, options).await?;
    let warnings = preflight::check(first, &mut plan, options).await?;
    let history = history::settle(first, &plan, options).await?;
    first.release_metadata_locks().await?;
    context.counters().tables_total.set(count(plan.tables()));
    context.counters().rows_total.set(plan.rows_estimate());
    let mut warnings = warnings;
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

fn count(length: usize) -> u64 {
    u64::try_from(length).unwrap_or(u64::MAX)
}

fn database_entry(database: &Database) -> DatabaseEntry {
    DatabaseEntry::new(database.name.clone(), database.charset.clone(), database.collation.clone())
}

/// How many tables a statement drops at a time.
const TABLES_IN_DROP: usize = 100;

/// How many tables are locked by a statement; there is a limit to the tables of one.
const TABLES_IN_LOCK: usize = 50;

/// A dump under way.
struct Dump {
    /// The connection that does everything but share the tables.
    main: Reader,
    /// Those that read tables with it.
    helpers: Vec<Reader>,
    shared: Arc<Shared>,
    /// The manifest's objects so far.
    objects: Vec<ObjectEntry>,
    warnings: Vec<String>,
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

    /// Session settings, saved and set. Versioned comments, as stock dumps have them. Nothing here
    /// depends on the time: the same rows give the same bytes, up to the manifest.
    async fn start(&mut self) -> Result<()> {
        let with_history = self.keeps_history();
        let (flavor, script) = (self.main.session.flavor(), &mut self.main.script);
        script.section(Section::Start, None).await?;
        let text = script.text();
        push_fmt(text, format_args!("{SIGNATURE}{FORMAT_VERSION}\n"));
        push_fmt(
            text,
            format_args!("-- Logical backup by snapdump {}\n", env!("CARGO_PKG_VERSION")),
        );
        let server = crate::ident::one_line(&format!(
            "Server: {flavor} {}",
            self.main.session.version().as_str()
        ));
        push_fmt(text, format_args!("-- {server}\n"));
        text.extend_from_slice(
            b"-- The last lines of this file are its footer. Without them it is a fragment.\n\n",
        );
        for sql in [
            "/*!40101 SET @OLD_CHARACTER_SET_CLIENT=@@CHARACTER_SET_CLIENT */",
            "/*!40101 SET @OLD_CHARACTER_SET_RESULTS=@@CHARACTER_SET_RESULTS */",
            "/*!40101 SET @OLD_COLLATION_CONNECTION=@@COLLATION_CONNECTION */",
            "/*!50503 SET NAMES utf8mb4 */",
            "/*!40103 SET @OLD_TIME_ZONE=@@TIME_ZONE */",
            "/*!40103 SET TIME_ZONE='+00:00' */",
            "/*!40014 SET @OLD_UNIQUE_CHECKS=@@UNIQUE_CHECKS, UNIQUE_CHECKS=0 */",
            "/*!40014 SET @OLD_FOREIGN_KEY_CHECKS=@@FOREIGN_KEY_CHECKS, FOREIGN_KEY_CHECKS=0 */",
        ] {
            script.statement(sql);
        }
        script.statement(format!(
            "/*!40101 SET @OLD_SQL_MODE=@@SQL_MODE, SQL_MODE='{SCRIPT_SQL_MODE}' */"
        ));
        script.statement("/*!40111 SET @OLD_SQL_NOTES=@@SQL_NOTES, SQL_NOTES=0 */");
        if with_history {
            script.statement(history::ALLOW_INSERT);
        }
        if flavor == Flavor::MariaDb {
            // Rows can be older than a constraint. Other servers take this for a comment.
            script.statement(
                "/*M!100201 SET @OLD_CHECK_CONSTRAINT_CHECKS=@@CHECK_CONSTRAINT_CHECKS, \
                 CHECK_CONSTRAINT_CHECKS=0 */",
            );
        }
        Ok(())
    }

    /// Whether rows of the past are among those of any table.
    fn keeps_history(&self) -> bool {
        let mut tables = self.shared.plan.databases.iter().flat_map(|database| &database.tables);
        self.shared.options.rows()
            && tables.any(|table| history::is_kept(table, &self.shared.options))
    }

    /// A section of statements that belong to no database.
    async fn statements(&mut self, section: Section, statements: &[String]) -> Result<()> {
        let script = &mut self.main.script;
        script.section(section, None).await?;
        for sql in statements {
            script.statement(sql);
            if script.is_full() {
                script.close_member().await?;
            }
        }
        Ok(())
    }

    /// Session settings put back.
    async fn end(&mut self) -> Result<()> {
        let with_history = self.keeps_history();
        let (flavor, script) = (self.main.session.flavor(), &mut self.main.script);
        script.section(Section::End, None).await?;
        script.text().push(b'\n');
        if with_history {
            script.statement(history::PUT_BACK);
        }
        if flavor == Flavor::MariaDb {
            script.statement(
                "/*M!100201 SET CHECK_CONSTRAINT_CHECKS=@OLD_CHECK_CONSTRAINT_CHECKS */",
            );
        }
        for sql in [
            "/*!40111 SET SQL_NOTES=@OLD_SQL_NOTES */",
            "/*!40101 SET SQL_MODE=@OLD_SQL_MODE */",
            "/*!40014 SET FOREIGN_KEY_CHECKS=@OLD_FOREIGN_KEY_CHECKS */",
            "/*!40014 SET UNIQUE_CHECKS=@OLD_UNIQUE_CHECKS */",
            "/*!40103 SET TIME_ZONE=@OLD_TIME_ZONE */",
            "/*!40101 SET CHARACTER_SET_CLIENT=@OLD_CHARACTER_SET_CLIENT */",
            "/*!40101 SET CHARACTER_SET_RESULTS=@OLD_CHARACTER_SET_RESULTS */",
            "/*!40101 SET COLLATION_CONNECTION=@OLD_COLLATION_CONNECTION */",
        ] {
            script.statement(sql);
        }
        Ok(())
    }

    /// Databases, sequences, tables with their rows, and stand-ins for views.
    async fn tables(&mut self) -> Result<()> {
        let shared = Arc::clone(&self.shared);
        let definitions = shared.options.definitions();
        for (number, database) in (0u32..).zip(&shared.plan.databases) {
            self.use_database(database).await?;
            self.database(number, database).await?;
            if definitions {
                self.section(Section::Sequences, number).await?;
                for name in &database.sequences {
                    let object = self.enter_object(ObjectKind::Sequence, database, name);
                    let Reader { session, script, .. } = &mut self.main;
                    shared.select_database(script, database);
                    let written = objects::write_sequence(session, script, &object).await;
                    at_object(written, &object)?;
                    self.objects.push(ObjectEntry::new(object));
                    self.main.session.release_metadata_locks().await?;
                }
            }
            self.tables_of(number, database).await?;
            if definitions {
                self.section(Section::StandIns, number).await?;
                for (name, columns) in &database.views {
                    shared.select_database(&mut self.main.script, database);
                    objects::write_stand_in(&mut self.main.script, name, columns);
                }
            }
        }
        Ok(())
    }

    /// The tables of one database, by all readers.
    async fn tables_of(&mut self, number: u32, database: &Database) -> Result<()> {
        let shared = Arc::clone(&self.shared);
        let first_object = self.objects.len();
        let readers = self.helpers.len() + 1;
        let work = TableWork::new(number, database, first_object, readers, &shared)?;
        for table in &database.tables {
            let name = ObjectName::new(ObjectKind::Table, &database.name, &table.name);
            let mut entry = ObjectEntry::new(name);
            entry.engine.clone_from(&table.engine);
            entry.definition = shared.options.definitions();
            self.objects.push(entry);
        }
        // What stands before the tables is handed over before any of them.
        self.main.script.close_member().await?;
        self.read_tables(work).await?;

        let target = shared.options.target_max_allowed_packet();
        let mut found = vec![(0, 0u64); database.tables.len()];
        for reader in self.helpers.iter_mut().chain([&mut self.main]) {
            self.warnings.append(&mut reader.warnings);
            for share in reader.shares.drain(..) {
                let Ok(place) = usize::try_from(share.object) else { continue };
                if let Some(entry) = self.objects.get_mut(place) {
                    entry.rows = Some(entry.rows.unwrap_or(0).saturating_add(share.rows));
                    entry.filtered = share.filtered;
                    entry.held = share.held;
                    if share.history_rows > 0 {
                        let rows = entry.history_rows.unwrap_or(0);
                        entry.history_rows = Some(rows.saturating_add(share.history_rows));
                    }
                }
                if let Some((largest, changed)) = found.get_mut(place - first_object) {
                    *largest = share.largest_statement_bytes.max(*largest);
                    *changed = changed.saturating_add(share.changed_documents);
                }
            }
        }
        for (table, (largest, changed)) in database.tables.iter().zip(found) {
            let object = ObjectName::new(ObjectKind::Table, &database.name, &table.name);
            if changed > 0 {
                self.warnings.push(format!(
                    "{object} has {changed} JSON documents with dates, times, decimals or binary \
                     strings inside, which the server prints like strings and doubles: they come \
                     back as those"
                ));
            }
            if count(largest) > target {
                self.warnings.push(format!(
                    "{object} has a row whose INSERT statement takes {largest} bytes: the server \
                     that it is restored on needs a max_allowed_packet above that"
                ));
            }
        }
        Ok(())
    }

    /// Has the readers do the work. The first that fails stops the others.
    async fn read_tables(&mut self, work: TableWork) -> Result<()> {
        if self.helpers.is_empty() || !work.is_worth_sharing() {
            return self.main.read_tables(&work).await;
        }
        let context = self.main.context().clone();
        let work = Arc::new(work);
        let mut helping = JoinSet::new();
        for mut reader in self.helpers.drain(..) {
            let work = Arc::clone(&work);
            let reading = async move {
                let done = reader.read_tables(&work).await;
                (reader, done)
            };
            helping.spawn(reading.in_current_span());
        }
        let main = async {
            let done = self.main.read_tables(&work).await;
            if done.is_err() {
                context.cancel();
            }
            done
        };
        let helpers = async {
            let mut first = Ok(());
            while let Some(ended) = helping.join_next().await {
                let done = match ended {
                    Ok((reader, done)) => {
                        self.helpers.push(reader);
                        done
                    }
                    Err(panic) => {
                        Err(Error::new(ErrorKind::Internal, "a reader panicked").with_source(panic))
                    }
                };
                if done.is_err() {
                    context.cancel();
                    first = cause(first, done);
                }
            }
            first
        };
        let (main, helpers) = tokio::join!(main, helpers);
        cause(main, helpers)
    }

    fn enter_object(&self, kind: ObjectKind, database: &Database, name: &str) -> ObjectName {
        let object = ObjectName::new(kind, &database.name, name);
        self.main.context().counters().work_on(Some(object.clone()));
        object
    }

    /// Starts a section: what follows is in members of its own.
    async fn section(&mut self, section: Section, number: u32) -> Result<()> {
        self.main.script.section(section, Some(number)).await
    }

    async fn use_database(&mut self, database: &Database) -> Result<()> {
        self.main.session.execute(format!("USE {}", quote_identifier(&database.name))).await
    }

    async fn database(&mut self, number: u32, database: &Database) -> Result<()> {
        self.section(Section::Database, number).await?;
        let shared = Arc::clone(&self.shared);
        if !shared.options.definitions() {
            return Ok(());
        }
        let name = quote_identifier(&database.name);
        let Reader { session, script, .. } = &mut self.main;
        script.comment(format_args!("{}", ObjectName::database(&database.name)));
        if shared.plan.names_databases {
            let sql = format!("SHOW CREATE DATABASE IF NOT EXISTS {name}");
            let row = session.query_one(&sql).await?;
            script.statement(row.bytes(1)?.unwrap_or_default());
            script.statement(format!("USE {name}"));
        }
        // A whole database keeps its defaults; a few tables out of it do not change another's.
        if shared.options.include().is_empty() {
            let mut sql = format!(
                "ALTER DATABASE CHARACTER SET = {} COLLATE = {}",
                database.charset, database.collation
            )
            .into_bytes();
            if let Some(comment) = &database.comment {
                sql.extend_from_slice(b" COMMENT = ");
                push_string(&mut sql, comment.as_bytes());
            }
            if database.encrypted {
                sql.extend_from_slice(b" ENCRYPTION = 'Y'");
            }
            script.statement(sql);
            if database.read_only {
                self.warnings
                    .push(format!("database {name} is read only; a copy that is restored is not"));
            }
        }
        // Before the first table comes: a foreign key is refused as long as the table that it names
        // is another one than it needs, even while keys are not checked.
        for tables in database.tables.chunks(TABLES_IN_DROP) {
            let names: Vec<_> = tables.iter().map(|table| quote_identifier(&table.name)).collect();
            script.statement(format!("DROP TABLE IF EXISTS {}", names.join(",")));
        }
        Ok(())
    }

    /// Routines, views, triggers and events, when every table of every database is there: they
    /// can refer to objects of other databases.
    async fn programs(&mut self) -> Result<()> {
        let shared = Arc::clone(&self.shared);
        let plan = &shared.plan;
        // The libraries of every database first: a routine cannot be made without those it uses.
        for libraries in [true, false] {
            for (number, database) in (0u32..).zip(&plan.databases) {
                let routines = database
                    .routines
                    .iter()
                    .filter(|item| (item.kind == ObjectKind::Library) == libraries)
                    .map(|item| (item.kind, item.name.as_str()));
                self.section_of_programs(Section::Routines, number, database, routines).await?;
            }
        }
        self.views().await?;
        for (number, database) in (0u32..).zip(&plan.databases) {
            let triggers = database.triggers.iter();
            let triggers = triggers.map(|item| (ObjectKind::Trigger, item.name.as_str()));
            self.section_of_programs(Section::Triggers, number, database, triggers).await?;
        }
        for (number, database) in (0u32..).zip(&plan.databases) {
            let events = database.events.iter();
            let events = events.map(|item| (ObjectKind::Event, item.name.as_str()));
            self.section_of_programs(Section::Events, number, database, events).await?;
        }
        Ok(())
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

    async fn section_of_programs<'b>(
        &mut self,
        section: Section,
        number: u32,
        database: &Database,
        programs: impl Iterator<Item = (ObjectKind, &'b str)> + Send,
    ) -> Result<()> {
        self.section(section, number).await?;
        self.use_database(database).await?;
        let shared = Arc::clone(&self.shared);
        for (kind, name) in programs {
            let object = self.enter_object(kind, database, name);
            let Reader { session, script, .. } = &mut self.main;
            shared.select_database(script, database);
            let written =
                objects::write_program(session, script, database, &object, &shared.options);
            self.warnings.extend(at_object(written.await, &object)?);
            self.objects.push(ObjectEntry::new(object));
            if self.main.script.is_full() {
                self.main.script.close_member().await?;
            }
        }
        Ok(())
    }

    async fn views(&mut self) -> Result<()> {
        let shared = Arc::clone(&self.shared);
        let plan = &shared.plan;
        let mut views: Vec<(u32, View)> = Vec::new();
        for (number, database) in (0u32..).zip(&plan.databases) {
            self.use_database(database).await?;
            for name in database.views.keys() {
                let object = self.enter_object(ObjectKind::View, database, name);
                let view = View::read(&mut self.main.session, object.clone()).await;
                views.push((number, at_object(view, &object)?));
                self.main.session.release_metadata_locks().await?;
            }
        }
        let order = view_order::order(&views.iter().map(|(_, view)| view).collect::<Vec<_>>());
        let mut current = None;
        for position in order {
            let Some((number, view)) = views.get(position) else { continue };
            if current != Some(*number) {
                self.section(Section::Views, *number).await?;
                current = Some(*number);
            }
            if let Some(database) =
                usize::try_from(*number).ok().and_then(|number| plan.databases.get(number))
            {
                shared.select_database(&mut self.main.script, database);
            }
            let broken = view.write(&mut self.main.script, shared.options.definer());
            let mut entry = ObjectEntry::new(view.object.clone());
            entry.definition = broken.is_none();
            self.warnings.extend(broken);
            self.objects.push(entry);
            if self.main.script.is_full() {
                self.main.script.close_member().await?;
            }
        }
        Ok(())
    }
}

/// The failure that made the others fail: those were only told to stop.
fn cause(one: Result<()>, other: Result<()>) -> Result<()> {
    match (one, other) {
        (Err(one), Err(other)) if one.kind() == ErrorKind::Cancelled => Err(other),
        (Err(one), _) => Err(one),
        (Ok(()), other) => other,
    }
}
