//! Dumps databases of a live server into one file.
//!
//! The order of the script is the order of FORMAT.md: session settings; for each database its
//! tables with their rows, and stand-ins for its views; then, when every table of every database
//! is there, routines, views, triggers and events; settings back; footer.

mod definer;
mod exact;
mod guard;
mod objects;
mod options;
mod plan;
mod preflight;
mod printed;
mod report;
mod rows;
mod script;
mod select;
mod table;
mod view_order;

pub use options::{Databases, Definer, DumpOptions};
pub use report::DumpReport;
pub use select::Selector;

use std::path::Path;
use std::time::Instant;

use chrono::Utc;
use tokio::io::AsyncWrite;

use crate::archive::{
    ArchiveWriter, DatabaseEntry, FORMAT_VERSION, Manifest, ObjectEntry, SIGNATURE, Section,
};
use crate::context::Context;
use crate::error::{Error, ErrorKind, Result};
use crate::ident::{ObjectKind, ObjectName, quote_identifier};
use crate::progress::Phase;
use crate::server::{ConnectOptions, Database, Flavor, Session, Table};
use crate::sql::literal::push_fmt;
use crate::store::StagedFile;
use exact::ExactText;
use guard::{Guard, at_object};
use objects::{SCRIPT_SQL_MODE, View};
use plan::Plan;
use rows::TableRows;
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
    let started = Instant::now();
    context.enter(Phase::Connect);
    let mut session = Session::open(connect, context).await?;
    // In a box: its state is large, and the callers' futures would all hold it.
    let dumped = Box::pin(dump_session(&mut session, connect, output, options, started)).await;
    // Also after a failure: a query that still runs is killed before the caller hears of it.
    session.close().await;
    dumped
}

async fn dump_session<W: AsyncWrite + Unpin + Send>(
    session: &mut Session,
    connect: &ConnectOptions,
    output: W,
    options: &DumpOptions,
    started: Instant,
) -> Result<DumpReport> {
    let context = session.context().clone();
    session.set_up_for_dump().await?;
    context.enter(Phase::Plan);
    let names = Plan::names(session, connect.database(), options).await?;
    let guard = Guard::take(connect, &names, &context).await?;
    let snapshot = session.start_snapshot().await?;
    let created_at = Utc::now();
    let plan = Plan::make(session, names, options).await?;
    let warnings = preflight::check(session, &plan, options).await?;
    session.release_metadata_locks().await?;
    context.counters().tables_total.set(count(plan.tables()));
    context.counters().rows_total.set(plan.rows_estimate());

    let archive =
        ArchiveWriter::new(output, options.compression(), options.compression_threads(), &context);
    let mut dump = Dump {
        session,
        script: Script::new(archive),
        options,
        plan: &plan,
        guard,
        exact: ExactText::new(connect, &context),
        objects: Vec::new(),
        warnings,
    };
    context.enter(Phase::Tables);
    dump.start().await?;
    dump.tables().await?;
    context.enter(Phase::Objects);
    if options.definitions() {
        dump.programs().await?;
    }
    dump.check_guard().await?;
    context.counters().work_on(None);
    context.enter(Phase::Publish);
    dump.end().await?;
    let Dump { session, script, guard, exact, objects, warnings, .. } = dump;
    session.execute("ROLLBACK").await?;
    guard.close().await;
    exact.close().await;

    let manifest = Manifest {
        format: FORMAT_VERSION,
        writer: concat!("snapdump ", env!("CARGO_PKG_VERSION")).to_owned(),
        created_at,
        flavor: session.flavor().to_string(),
        server_version: session.version().as_str().to_owned(),
        snapshot,
        names_databases: plan.names_databases,
        databases: plan.databases.iter().map(database_entry).collect(),
        objects,
        left_out: plan.left_out.clone(),
        warnings,
        largest_statement_bytes: script.largest_statement_bytes(),
    };
    let (written, _) = script.finish(&manifest).await?;
    let counts = manifest.counts();
    Ok(DumpReport {
        tables: counts.get(&ObjectKind::Table).copied().unwrap_or(0),
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

fn count(length: usize) -> u64 {
    u64::try_from(length).unwrap_or(u64::MAX)
}

fn database_entry(database: &Database) -> DatabaseEntry {
    DatabaseEntry::new(database.name.clone(), database.charset.clone(), database.collation.clone())
}

/// A dump under way.
struct Dump<'a, W> {
    session: &'a mut Session,
    script: Script<'a, W>,
    options: &'a DumpOptions,
    plan: &'a Plan,
    guard: Guard,
    exact: ExactText,
    /// The manifest's objects so far.
    objects: Vec<ObjectEntry>,
    warnings: Vec<String>,
}

impl<W: AsyncWrite + Unpin + Send> Dump<'_, W> {
    /// Session settings, saved and set. Versioned comments, as stock dumps have them. Nothing here
    /// depends on the time: the same rows give the same bytes, up to the manifest.
    async fn start(&mut self) -> Result<()> {
        let script = &mut self.script;
        script.section(Section::Start, None).await?;
        let text = script.text();
        push_fmt(text, format_args!("{SIGNATURE}{FORMAT_VERSION}\n"));
        push_fmt(
            text,
            format_args!("-- Logical backup by snapdump {}\n", env!("CARGO_PKG_VERSION")),
        );
        let server = crate::ident::one_line(&format!(
            "Server: {} {}",
            self.session.flavor(),
            self.session.version().as_str()
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
        if self.session.flavor() == Flavor::MariaDb {
            // Rows can be older than a constraint. Other servers take this for a comment.
            script.statement(
                "/*M!100201 SET @OLD_CHECK_CONSTRAINT_CHECKS=@@CHECK_CONSTRAINT_CHECKS, \
                 CHECK_CONSTRAINT_CHECKS=0 */",
            );
        }
        Ok(())
    }

    /// Session settings put back.
    async fn end(&mut self) -> Result<()> {
        let script = &mut self.script;
        script.section(Section::End, None).await?;
        script.text().push(b'\n');
        if self.session.flavor() == Flavor::MariaDb {
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
        let plan = self.plan;
        for (number, database) in (0u32..).zip(&plan.databases) {
            self.session.execute(format!("USE {}", quote_identifier(&database.name))).await?;
            self.database(number, database).await?;
            if self.options.definitions() {
                self.section(Section::Sequences, number).await?;
                for name in &database.sequences {
                    self.select_database(database);
                    let object = self.enter_object(ObjectKind::Sequence, database, name);
                    let written =
                        objects::write_sequence(self.session, &mut self.script, &object).await;
                    at_object(written, &object)?;
                    self.objects.push(ObjectEntry::new(object));
                    self.session.release_metadata_locks().await?;
                }
            }
            self.section(Section::Tables, number).await?;
            for table in &database.tables {
                let object = self.enter_object(ObjectKind::Table, database, &table.name);
                let written = self.table(database, table, object.clone()).await;
                at_object(written, &object)?;
                self.session.context().counters().tables_done.add(1);
            }
            if self.options.definitions() {
                self.section(Section::StandIns, number).await?;
                for (name, columns) in &database.views {
                    self.select_database(database);
                    objects::write_stand_in(&mut self.script, name, columns);
                }
            }
        }
        Ok(())
    }

    fn enter_object(&self, kind: ObjectKind, database: &Database, name: &str) -> ObjectName {
        let object = ObjectName::new(kind, &database.name, name);
        self.session.context().counters().work_on(Some(object.clone()));
        object
    }

    /// Starts a section, with the database selected where the script selects databases. Members
    /// are independent of one another that way.
    async fn section(&mut self, section: Section, number: u32) -> Result<()> {
        self.script.section(section, Some(number)).await
    }

    /// Selects the database at the start of a member, where the script names its databases.
    fn select_database(&mut self, database: &Database) {
        if self.plan.names_databases && self.script.is_empty() {
            self.script.statement(format!("USE {}", quote_identifier(&database.name)));
        }
    }

    async fn database(&mut self, number: u32, database: &Database) -> Result<()> {
        self.section(Section::Database, number).await?;
        if !self.options.definitions() {
            return Ok(());
        }
        let name = quote_identifier(&database.name);
        self.script.comment(format_args!("{}", ObjectName::database(&database.name)));
        if self.plan.names_databases {
            let row = self
                .session
                .query_one(&format!("SHOW CREATE DATABASE IF NOT EXISTS {name}"))
                .await?;
            self.script.statement(row.bytes(1)?.unwrap_or_default());
            self.script.statement(format!("USE {name}"));
        }
        // A whole database keeps its defaults; a few tables out of it do not change another's.
        if self.options.include().is_empty() {
            self.script.statement(format!(
                "ALTER DATABASE CHARACTER SET = {} COLLATE = {}",
                database.charset, database.collation
            ));
        }
        Ok(())
    }

    async fn table(
        &mut self,
        database: &Database,
        table: &Table,
        object: ObjectName,
    ) -> Result<()> {
        let position = u32::try_from(self.objects.len()).map_err(|_| {
            Error::new(ErrorKind::Unsupported, "more objects than the file format can count")
        })?;
        self.select_database(database);
        self.script.comment(format_args!("{object}"));
        let mut entry = ObjectEntry::new(object.clone());
        entry.engine.clone_from(&table.engine);
        entry.definition = self.options.definitions();
        if self.has_rows(&object) && !table.rows_live_elsewhere() {
            // Takes the metadata lock: until it is released, definition and rows are of one table.
            let name = quote_identifier(&table.name);
            self.session.query(&format!("SELECT 1 FROM {name} LIMIT 0")).await?;
        }
        if self.options.definitions() {
            let lost = table::write_definition(
                self.session,
                &mut self.exact,
                &mut self.script,
                database,
                table,
                self.options,
            );
            self.warnings.extend(lost.await?);
            self.script.part(position).definition = true;
        }
        if table.rows_live_elsewhere() {
            self.warnings.push(format!(
                "{object} has the engine {}, whose rows live elsewhere: only its definition was \
                 dumped",
                table.engine.as_deref().unwrap_or_default()
            ));
        } else if self.has_rows(&object) {
            let condition = self
                .options
                .conditions()
                .iter()
                .find(|(name, _)| plan::names_table(name, &database.name, &table.name))
                .map(|(_, condition)| condition.as_str());
            let target = self.options.target_max_allowed_packet();
            let written = TableRows::new(table, position, target)
                .write(self.session, &mut self.script, condition, |script| {
                    if self.plan.names_databases {
                        script.statement(format!("USE {}", quote_identifier(&database.name)));
                    }
                })
                .await?;
            entry.rows = Some(written.rows);
            if written.changed_documents > 0 {
                self.warnings.push(format!(
                    "{object} has {} JSON documents with dates, times, decimals or binary strings \
                     inside, which the server prints like strings and doubles: they come back as \
                     those",
                    written.changed_documents
                ));
            }
            if table.versioned && condition.is_none() {
                self.note_history(&object, written.rows).await?;
            }
            entry.filtered = condition.is_some();
            if count(written.largest_statement_bytes) > target {
                self.warnings.push(format!(
                    "{object} has a row whose INSERT statement takes {} bytes: the server that \
                     it is restored on needs a max_allowed_packet above that",
                    written.largest_statement_bytes
                ));
            }
        }
        self.objects.push(entry);
        self.guard.check_table(&object).await?;
        self.session.release_metadata_locks().await?;
        if self.script.is_full() {
            self.script.close_member().await?;
        }
        Ok(())
    }

    /// Says how many rows of the past are not in the dump.
    async fn note_history(&mut self, table: &ObjectName, rows: u64) -> Result<()> {
        let name = quote_identifier(table.name());
        let sql = format!("SELECT COUNT(*) FROM {name} FOR SYSTEM_TIME ALL");
        let all = self.session.query_one(&sql).await?.optional_number(0)?.unwrap_or(0);
        if all > rows {
            self.warnings.push(format!(
                "{table} is system-versioned: {} rows of its history were left out",
                all - rows
            ));
        }
        Ok(())
    }

    fn has_rows(&self, table: &ObjectName) -> bool {
        let excluded = self.options.tables_without_rows();
        self.options.rows() && !excluded.iter().any(|selector| selector.matches(table))
    }

    /// Routines, views, triggers and events, when every table of every database is there: they
    /// can refer to objects of other databases.
    async fn programs(&mut self) -> Result<()> {
        let plan = self.plan;
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
        self.guard.check_rows(&self.plan.databases).await?;
        if self.options.definitions() {
            for database in &self.plan.databases {
                self.guard.check_programs(database).await?;
            }
        }
        Ok(())
    }

    async fn section_of_programs<'b>(
        &mut self,
        section: Section,
        number: u32,
        database: &Database,
        programs: impl Iterator<Item = (ObjectKind, &'b str)> + Send,
    ) -> Result<()> {
        self.section(section, number).await?;
        self.session.execute(format!("USE {}", quote_identifier(&database.name))).await?;
        for (kind, name) in programs {
            let object = self.enter_object(kind, database, name);
            self.select_database(database);
            let written = objects::write_program(
                self.session,
                &mut self.script,
                database,
                &object,
                self.options,
            );
            self.warnings.extend(at_object(written.await, &object)?);
            self.objects.push(ObjectEntry::new(object));
            if self.script.is_full() {
                self.script.close_member().await?;
            }
        }
        Ok(())
    }

    async fn views(&mut self) -> Result<()> {
        let plan = self.plan;
        let mut views: Vec<(u32, View)> = Vec::new();
        for (number, database) in (0u32..).zip(&plan.databases) {
            self.session.execute(format!("USE {}", quote_identifier(&database.name))).await?;
            for name in database.views.keys() {
                let object = self.enter_object(ObjectKind::View, database, name);
                let view = View::read(self.session, object.clone()).await;
                views.push((number, at_object(view, &object)?));
                self.session.release_metadata_locks().await?;
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
                self.select_database(database);
            }
            let broken = view.write(&mut self.script, self.options.definer());
            let mut entry = ObjectEntry::new(view.object.clone());
            entry.definition = broken.is_none();
            self.warnings.extend(broken);
            self.objects.push(entry);
            if self.script.is_full() {
                self.script.close_member().await?;
            }
        }
        Ok(())
    }
}
