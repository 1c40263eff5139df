//! One connection that reads tables into a script of its own.

use std::sync::Arc;

use tokio::sync::Mutex;
use tracing::Instrument as _;

use super::chunk::{Chunk, Cursor, can_be_cut};
use super::computed;
use super::exact::ExactText;
use super::guard::{Guard, at_object};
use super::history::{self, Versions};
use super::options::{DumpOptions, NonTransactional};
use super::plan::{self, Plan};
use super::rows::{RowsWritten, TableRows};
use super::script::Script;
use super::session_settings::SCRIPT_SQL_MODE;
use super::still::Still;
use super::table::{self, Definition, create_of};
use super::unsigned::UnsignedIn;
use super::work::{Unit, Work};
use crate::archive::{Held, Section};
use crate::context::Context;
use crate::error::{Error, ErrorKind, Result};
use crate::ident::{ObjectKind, ObjectName, quote_identifier};
use crate::server::{ConnectOptions, Database, Session, Table};

/// What all readers of a dump share.
pub(super) struct Shared {
    pub(super) plan: Plan,
    pub(super) options: DumpOptions,
    pub(super) guard: Mutex<Guard>,
    pub(super) exact: Mutex<ExactText>,
    pub(super) connect: ConnectOptions,
    /// What was found out before anything was read, for the manifest.
    pub(super) warnings: Vec<String>,
}

/// The tables of one database as work for the readers.
pub(super) struct TableWork {
    /// The database's place in the plan.
    number: u32,
    /// The place of its first table among the manifest's objects.
    first_object: u32,
    work: Work,
}

impl TableWork {
    pub(super) fn new(
        number: u32,
        database: &Database,
        first_object: usize,
        readers: usize,
        shared: &Shared,
    ) -> Result<Self> {
        let too_many =
            |_| Error::new(ErrorKind::Unsupported, "more objects than the file format can count");
        let cut = |table: &Table| can_be_cut(table) && shared.has_rows(&database.name, table);
        // The last one has to fit too.
        u32::try_from(first_object.saturating_add(database.tables.len())).map_err(too_many)?;
        Ok(Self {
            number,
            first_object: u32::try_from(first_object).map_err(too_many)?,
            work: Work::new(&database.tables, readers, shared.options.chunk_bytes(), cut),
        })
    }

    pub(super) fn is_worth_sharing(&self) -> bool {
        self.work.is_worth_sharing()
    }
}

impl Shared {
    fn database(&self, number: u32) -> Result<&Database> {
        usize::try_from(number)
            .ok()
            .and_then(|number| self.plan.databases.get(number))
            .ok_or_else(|| Error::new(ErrorKind::Internal, "a database that is not in the plan"))
    }

    pub(super) fn has_rows(&self, database: &str, table: &Table) -> bool {
        let name = ObjectName::new(ObjectKind::Table, database, &table.name);
        let excluded = self.options.tables_without_rows();
        self.options.rows()
            && !table.rows_live_elsewhere()
            && !excluded.iter().any(|selector| selector.matches(&name))
    }

    pub(super) fn condition(&self, database: &str, table: &Table) -> Option<&str> {
        let conditions = self.options.conditions().iter();
        // Of two that name it, the one with the database says more.
        conditions
            .filter(|(name, _)| plan::names_table(name, database, &table.name))
            .max_by_key(|(name, _)| name.len())
            .map(|(_, condition)| condition.as_str())
    }

    /// Writes what stands before the rows of a table.
    pub(super) async fn begin_table(
        &self,
        script: &mut Script,
        database: &Database,
        object: &ObjectName,
        position: u32,
        definition: Option<&Definition>,
    ) -> Result<()> {
        script.begin_table(self.options.definitions()).await?;
        self.select_database(script, database);
        script.comment(format_args!("{object}"));
        if let Some(definition) = definition {
            definition.write(script);
            script.part(position).definition = true;
        }
        Ok(())
    }

    /// Selects the database at the start of a member, where the script names its databases.
    /// Members are independent of one another that way.
    pub(super) fn select_database(&self, script: &mut Script, database: &Database) {
        if self.plan.names_databases && script.is_empty() {
            script.statement(format!("USE {}", quote_identifier(&database.name)));
        }
    }
}

/// What a reader has read of a table.
#[derive(Debug, Default, Clone)]
pub(super) struct Share {
    /// The table's place among the manifest's objects.
    pub(super) object: u32,
    pub(super) rows: u64,
    /// The longest statement in bytes.
    pub(super) largest_statement_bytes: usize,
    /// JSON documents that do not come back with the same types inside.
    pub(super) changed_documents: u64,
    /// JSON documents whose unsigned integers come back as signed ones.
    pub(super) unsigned: Vec<UnsignedIn>,
    /// How many of the rows are versions of the past.
    pub(super) history_rows: u64,
    /// Whether a condition chose the rows.
    pub(super) filtered: bool,
    /// How a table that the snapshot does not cover was held.
    pub(super) held: Option<Held>,
}

impl Share {
    pub(super) fn new(object: u32, written: RowsWritten) -> Self {
        tracing::debug!(rows = written.rows, "rows read");
        Self {
            object,
            rows: written.rows,
            largest_statement_bytes: written.largest_statement_bytes,
            changed_documents: written.changed_documents,
            unsigned: written.unsigned,
            ..Self::default()
        }
    }
}

/// A connection inside the snapshot, and the script that it fills.
pub(super) struct Reader {
    pub(super) session: Session,
    pub(super) script: Script,
    pub(super) shared: Arc<Shared>,
    /// What it has read since somebody last asked.
    pub(super) shares: Vec<Share>,
    pub(super) warnings: Vec<String>,
    /// Holds tables without transactions.
    pub(super) still: Still,
}

impl Reader {
    pub(super) fn new(session: Session, script: Script, shared: Arc<Shared>) -> Self {
        let wait = shared.options.read_lock_wait_seconds();
        let still = Still::new(&shared.connect, wait);
        Self { session, script, shared, shares: Vec::new(), warnings: Vec::new(), still }
    }

    pub(super) fn context(&self) -> &Context {
        self.session.context()
    }

    /// Reads tables until there are none left.
    pub(super) async fn read_tables(&mut self, tables: &TableWork) -> Result<()> {
        let shared = Arc::clone(&self.shared);
        let context = self.context().clone();
        let database = shared.database(tables.number)?;
        tracing::trace!(database = database.name, "a reader begins");
        self.session.execute(format!("USE {}", quote_identifier(&database.name))).await?;
        self.script.section(Section::Tables, Some(tables.number)).await?;
        while let Some(unit) = tables.work.take(&context).await? {
            match unit {
                Unit::Tables(places) => self.whole_tables(tables, database, &places).await?,
                Unit::Large(place) => {
                    let table = table_at(database, place)?;
                    let object = self.enter_table(database, table);
                    let beginning = self.begin_large(database, table, &object, place, tables);
                    let begun = beginning.instrument(span_of(&object)).await;
                    let cursor = at_object(begun, &object)?;
                    tables.work.give_back(Some(Box::new(cursor)));
                }
                Unit::Rows(cursor) => {
                    let table = table_at(database, cursor.table)?;
                    let position = position(tables, cursor.table);
                    let object = self.enter_table(database, table);
                    let cut = cursor.next(&mut self.session, table).await;
                    let (chunk, rest) = at_object(cut, &object)?;
                    let last = rest.is_none();
                    // Others go on with the rest while this piece is being read.
                    tables.work.give_back(rest);
                    self.script.begin_table(false).await?;
                    let reading = self.rows(database, table, position, &chunk);
                    let done = reading.instrument(span_of(&object)).await;
                    at_object(done, &object)?;
                    self.settle(database, &[&table.name]).await?;
                    if last {
                        context.counters().tables_done.add(1);
                    }
                }
            }
        }
        self.script.close_member().await
    }

    pub(super) fn enter_table(&self, database: &Database, table: &Table) -> ObjectName {
        let object = ObjectName::new(ObjectKind::Table, &database.name, &table.name);
        self.context().counters().work_on(Some(object.clone()));
        object
    }

    /// Has the guard compare tables while their metadata locks are still held, then frees those.
    pub(super) async fn settle(&mut self, database: &Database, tables: &[&str]) -> Result<()> {
        let shared = Arc::clone(&self.shared);
        shared.guard.lock().await.check_tables(&database.name, tables).await?;
        self.session.release_metadata_locks().await?;
        self.script.close_full_member().await?;
        Ok(())
    }

    /// Definition and rows of a table.
    pub(super) async fn table(
        &mut self,
        database: &Database,
        table: &Table,
        object: &ObjectName,
        position: u32,
        create: Option<Vec<u8>>,
    ) -> Result<()> {
        let definition = self.definition(database, table, create).await?;
        self.script.close_full_member().await?;
        let shared = Arc::clone(&self.shared);
        let script = &mut self.script;
        shared.begin_table(script, database, object, position, definition.as_ref()).await?;
        if table.rows_live_elsewhere() {
            self.warnings.push(format!(
                "{object} has the engine {}, whose rows live elsewhere: only its definition was \
                 dumped",
                table.engine.as_deref().unwrap_or_default()
            ));
        } else if self.shared.has_rows(&database.name, table) {
            if table.transactional {
                self.all_rows(database, table, object, position).await?;
            } else {
                self.rows_held(database, table, object, position).await?;
            }
        }
        Ok(())
    }

    /// The rows of a table that is read as a whole, with those of the past or with a warning of them.
    async fn all_rows(
        &mut self,
        database: &Database,
        table: &Table,
        object: &ObjectName,
        position: u32,
    ) -> Result<()> {
        let sql_mode = self.compare_computed(database, table).await?;
        if history::is_kept(table, &self.shared.options) {
            let current = Chunk { versions: Versions::CurrentSince, sql_mode, ..Chunk::default() };
            self.rows(database, table, position, &current).await?;
            let options = &self.shared.options;
            let said = history::note_momentary(&mut self.session, table, object, options).await?;
            self.warnings.extend(said);
            let versions = history::past(&mut self.session, table).await?;
            let past = Chunk { versions, sql_mode, ..Chunk::default() };
            self.rows(database, table, position, &past).await?;
            return Ok(());
        }
        let whole = Chunk { sql_mode, ..Chunk::default() };
        let share = self.rows(database, table, position, &whole).await?;
        if table.versioned && !share.filtered {
            self.note_history(object, share.rows).await?;
        }
        Ok(())
    }

    /// The definition of a table whose rows follow in pieces, handed over before any of them is
    /// made.
    async fn begin_large(
        &mut self,
        database: &Database,
        table: &Table,
        object: &ObjectName,
        place: usize,
        tables: &TableWork,
    ) -> Result<Cursor> {
        let create = self.lock_and_print(database, &[place]).await?.pop().flatten();
        let definition = self.definition(database, table, create).await?;
        let shared = Arc::clone(&self.shared);
        let (script, position) = (&mut self.script, position(tables, place));
        shared.begin_table(script, database, object, position, definition.as_ref()).await?;
        self.script.close_member().await?;
        let sql_mode = self.compare_computed(database, table).await?;
        let chunk_bytes = self.shared.options.chunk_bytes();
        let mut cursor = Cursor::new(&mut self.session, place, table, chunk_bytes).await?;
        cursor.sql_mode = sql_mode;
        self.settle(database, &[&table.name]).await?;
        Ok(cursor)
    }

    /// The definition of a table, if it is wanted. `create` is what the server prints, if it has been
    /// asked.
    pub(super) async fn definition(
        &mut self,
        database: &Database,
        table: &Table,
        create: Option<Vec<u8>>,
    ) -> Result<Option<Definition>> {
        let shared = Arc::clone(&self.shared);
        if !shared.options.definitions() {
            return Ok(None);
        }
        let mut exact = shared.exact.lock().await;
        let session = &mut self.session;
        let definition =
            table::definition(session, &mut exact, create, database, table, &shared.options)
                .await?;
        self.warnings.extend_from_slice(&definition.lost);
        Ok(Some(definition))
    }

    /// Warns of generated columns that a restore computes otherwise, and of constraints that it finds
    /// broken. Gives the SQL mode in which the rows are inserted, if it is not that of the script.
    pub(super) async fn compare_computed(
        &mut self,
        database: &Database,
        table: &Table,
    ) -> Result<Option<&'static str>> {
        if !table.computes {
            return Ok(None);
        }
        let shared = Arc::clone(&self.shared);
        let condition = shared.condition(&database.name, table);
        let session = &mut self.session;
        let create = create_of(&session.query(&table::show_create(table)).await?)?;
        let create = String::from_utf8_lossy(&create).into_owned();
        let mut sql_mode = SCRIPT_SQL_MODE;
        if computed::makes_dates(table, &create, session.flavor()) {
            let versions = if history::is_kept(table, &shared.options) {
                Versions::Past { current: None }
            } else {
                Versions::Current
            };
            let rows = TableRows::new(table, &versions, 0, 0);
            let all = Chunk { versions, ..Chunk::default() };
            sql_mode = rows.sql_mode(session, &all, condition).await?;
        }
        let (mut said, differing) =
            computed::check(session, table, &create, condition, sql_mode).await?;
        if differing > 0 && sql_mode != SCRIPT_SQL_MODE {
            // They may have come in under `ALLOW_INVALID_DATES`.
            let mode = SCRIPT_SQL_MODE;
            let (other, fewer) = computed::check(session, table, &create, condition, mode).await?;
            if fewer < differing {
                (said, sql_mode) = (other, mode);
            }
        }
        self.warnings.extend(said);
        Ok(Some(sql_mode).filter(|mode| *mode != SCRIPT_SQL_MODE))
    }

    async fn rows(
        &mut self,
        database: &Database,
        table: &Table,
        position: u32,
        chunk: &Chunk,
    ) -> Result<Share> {
        let shared = Arc::clone(&self.shared);
        if table.columns.is_empty() {
            // Every table has one; rows of none would count and hold nothing.
            return Err(Error::new(
                ErrorKind::Changed,
                "the server listed no column of it when the dump began",
            ));
        }
        let condition = shared.condition(&database.name, table);
        let target = shared.options.target_max_allowed_packet();
        let written = TableRows::new(table, &chunk.versions, position, target)
            .write(&mut self.session, &mut self.script, chunk, condition, |script| {
                shared.select_database(script, database);
            })
            .await?;
        let mut share = Share::new(position, written);
        if let Versions::Past { .. } = chunk.versions {
            share.history_rows = share.rows;
        }
        share.filtered = condition.is_some();
        self.shares.push(share.clone());
        Ok(share)
    }

    /// The rows of a table that the snapshot does not cover.
    async fn rows_held(
        &mut self,
        database: &Database,
        table: &Table,
        object: &ObjectName,
        position: u32,
    ) -> Result<()> {
        let context = self.context().clone();
        let held = self.still.hold(object, &context).await?;
        if held == Held::Nothing {
            let grant = format!("GRANT LOCK TABLES ON {}.*", quote_identifier(&database.name));
            if self.shared.options.nontransactional() == NonTransactional::RequireLock {
                return Err(Error::new(
                    ErrorKind::Privilege,
                    format!("it has no transactions, and the account may not lock it: {grant}"),
                ));
            }
            self.warnings.push(format!(
                "{object} has the engine {}, which no snapshot covers, and the account may not \
                 lock it ({grant}): its rows can be of different moments",
                table.engine.as_deref().unwrap_or_default()
            ));
        }
        let before = self.shares.len();
        let read = self.all_rows(database, table, object, position).await;
        let released = self.still.release().await;
        read?;
        released?;
        for share in self.shares.iter_mut().skip(before) {
            share.held = Some(held);
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
}

/// The span of the work on a table, or on a piece of a large one.
pub(super) fn span_of(table: &ObjectName) -> tracing::Span {
    tracing::debug_span!("table", database = table.database_name(), table = table.name())
}

pub(super) fn table_at(database: &Database, place: usize) -> Result<&Table> {
    database
        .tables
        .get(place)
        .ok_or_else(|| Error::new(ErrorKind::Internal, "a table that is not in the plan"))
}

/// The place of a table among the manifest's objects; `TableWork::new` has seen that it fits.
pub(super) fn position(tables: &TableWork, place: usize) -> u32 {
    tables.first_object.saturating_add(u32::try_from(place).unwrap_or(u32::MAX))
}
