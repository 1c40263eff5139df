//! Detects definitions that change while they are being dumped.
//!
//! The state of everything is taken before the snapshot begins. A table's is taken again while its
//! metadata lock is still held by the read of its rows, so nothing can have changed in between
//! unseen, and what is done to the table afterwards does not matter any more. The database itself,
//! sequences, views, triggers, routines and events are compared at the end.
//!
//! Two things do not show in the state of a table: which of two tables of the same columns and the
//! same second of creation it is, and which rows a partition was given by `EXCHANGE`. InnoDB's own
//! numbers tell; an account that may not see those gets an error when tables were
//! changed anywhere on the server and this one could have been meant.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::time::Duration;

use super::plan::Plan;
use crate::archive::ObjectEntry;
use crate::context::Context;
use crate::error::{Error, ErrorKind, Result};
use crate::ident::{ObjectKind, ObjectName, quote_identifier};
use crate::server::{
    ConnectOptions, Database, ER_LOCK_WAIT_TIMEOUT, Fingerprints, InnodbIds, Session, TableState,
    TableStates, is_missing_or_changed,
};

/// How long to wait for the second of a creation to be over, and how often at most: tables can be
/// created all the time.
const CLOCK_STEP: Duration = Duration::from_millis(700);
const CLOCK_ATTEMPTS: u32 = 4;

/// How often tables that seem to have changed are looked at, and the time between two looks.
const LOOKS: u32 = 3;
const LOOK_STEP: Duration = Duration::from_millis(50);

/// The state of one database before the snapshot.
#[derive(Debug)]
struct Before {
    database: String,
    tables: TableStates,
    programs: Fingerprints,
}

/// What everything looked like before the snapshot, and the connection that looks again.
pub(super) struct Guard {
    /// A connection of its own: inside the snapshot, `MySQL` shows the catalogue as it was when
    /// the snapshot began.
    session: Session,
    before: Vec<Before>,
    /// The server's clock when the first state was taken, in seconds.
    taken_at: u64,
    ids: Option<InnodbIds>,
    changes_of_tables: Option<u64>,
}

impl Guard {
    /// Takes the state of the databases; to be called before the snapshot begins.
    pub(super) async fn take(
        connect: &ConnectOptions,
        databases: &[String],
        lock_wait_seconds: u32,
        context: &Context,
    ) -> Result<Self> {
        let mut session = Session::open(connect, context).await?;
        session.set_up_for_dump(lock_wait_seconds).await?;
        // Every statement is to see the latest state.
        session.execute("SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED").await?;
        let changes_of_tables = session.changes_of_tables().await?;
        let mut guard =
            Self { session, before: Vec::new(), taken_at: 0, ids: None, changes_of_tables };
        guard.read(databases).await?;
        for _ in 0..CLOCK_ATTEMPTS {
            if !guard.has_unproven_table() {
                break;
            }
            context.run(tokio::time::sleep(CLOCK_STEP)).await?;
            guard.read(databases).await?;
        }
        Ok(guard)
    }

    async fn read(&mut self, databases: &[String]) -> Result<()> {
        self.taken_at = self.session.clock().await?;
        self.before.clear();
        for database in databases {
            self.before.push(Before {
                tables: self.session.table_states(database, None).await?,
                programs: self.session.program_fingerprints(database).await?,
                database: database.clone(),
            });
        }
        self.ids = self.session.innodb_ids(None).await?;
        Ok(())
    }

    /// Whether there is a table that could change without its state telling, and that has no number
    /// either.
    fn has_unproven_table(&self) -> bool {
        self.before.iter().any(|before| {
            before.tables.iter().any(|(name, state)| {
                let object = ObjectName::new(ObjectKind::Table, &before.database, name);
                self.could_be_another(state) && own_ids(self.ids.as_ref(), &object).is_none()
            })
        })
    }

    /// Whether a table's second of creation may not have been over when its state was taken. The
    /// clocks that stamp files and rows can differ by a few milliseconds.
    fn is_recent(&self, state: &TableState) -> bool {
        state.created.is_some_and(|created| created + 1 >= self.taken_at)
    }

    /// Whether another table, made after this one, could have the same state.
    fn could_be_another(&self, state: &TableState) -> bool {
        self.is_recent(state) || state.creation_untold
    }

    /// The guard's connection, in a database: for what the snapshot's own refuse, because their
    /// transactions only read.
    pub(super) async fn session_in(&mut self, database: &str) -> Result<&mut Session> {
        self.session.execute(format!("USE {}", quote_identifier(database))).await?;
        Ok(&mut self.session)
    }

    /// Closes the guard's connection.
    pub(super) async fn close(self) {
        self.session.close().await;
    }

    /// Compares tables of one database, whose metadata locks a dumping session holds.
    pub(super) async fn check_tables(&mut self, database: &str, tables: &[&str]) -> Result<()> {
        // What the server does not tell at one moment it may tell at the next. Under the lock nothing
        // becomes right again that has changed.
        for _ in 1..LOOKS {
            match self.compare_tables(database, tables).await {
                Err(error) if error.kind() == ErrorKind::Changed => {
                    tracing::debug!(error = %error, "looking again");
                    let context = self.session.context().clone();
                    context.run(tokio::time::sleep(LOOK_STEP)).await?;
                }
                done => return done,
            }
        }
        self.compare_tables(database, tables).await
    }

    async fn compare_tables(&mut self, database: &str, tables: &[&str]) -> Result<()> {
        let now = self.session.table_states(database, Some(tables)).await?;
        let mut numbered = Vec::new();
        for name in tables {
            let table = ObjectName::new(ObjectKind::Table, database, *name);
            let before = find(&self.before, database).and_then(|before| before.tables.get(*name));
            let (state, now) = match (before, now.get(*name)) {
                (Some(before), Some(now)) if before.agrees_with(now) => (before, now),
                (before, now) => return Err(changed(&table).with_source(difference(before, now))),
            };
            let needs_ids =
                self.could_be_another(state) || now.creation_untold || state.partitioned;
            if needs_ids && own_ids(self.ids.as_ref(), &table).is_some() {
                numbered.push(table);
            } else if now.creation_untold && !state.creation_untold {
                let why = "the server does not tell when it was created";
                return Err(changed(&table).with_source(why));
            }
        }
        if numbered.is_empty() {
            return Ok(());
        }
        let names: Vec<_> = numbered.iter().filter_map(innodb_name).collect();
        let now = self.session.innodb_ids(Some(&names)).await?;
        for table in &numbered {
            let (before, now) = (own_ids(self.ids.as_ref(), table), own_ids(now.as_ref(), table));
            if before != now {
                let why = match now {
                    Some(_) => "InnoDB has other numbers for it",
                    None => "InnoDB does not list it any more",
                };
                return Err(changed(table).with_source(why));
            }
        }
        Ok(())
    }

    /// Finds tables whose rows were replaced since the dump began by what looks the same; to be
    /// called after the last row was read.
    pub(super) async fn check_rows(&mut self, databases: &[Database]) -> Result<()> {
        let now = match &self.ids {
            Some(_) => self.session.innodb_ids(None).await?,
            None => None,
        };
        let all = self.ids.iter().flat_map(BTreeMap::values).flatten();
        let known: BTreeSet<u64> = all.copied().collect();
        let twins = self.twins();
        let mut unknown = None;
        for database in databases {
            let Some(states) = find(&self.before, &database.name) else { continue };
            // Of a table without transactions the rows are not those of the snapshot, but of the time
            // when it was read, under a lock and with its definition proven.
            for table in database.tables.iter().filter(|table| table.transactional) {
                let Some(state) = states.tables.get(&table.name) else { continue };
                let object = ObjectName::new(ObjectKind::Table, &database.name, &table.name);
                match (own_ids(self.ids.as_ref(), &object), own_ids(now.as_ref(), &object)) {
                    // New numbers are of a later change. Old ones have come from another table.
                    (Some(before), Some(now)) => {
                        if now.difference(before).any(|id| known.contains(id)) {
                            return Err(changed(&object));
                        }
                    }
                    // Dropped after it was read.
                    (Some(_), None) => {}
                    (None, _) => {
                        let twin = state.partitioned || twins.contains(&twin_key(state));
                        if unknown.is_none() && (twin || self.could_be_another(state)) {
                            unknown = Some(object);
                        }
                    }
                }
            }
        }
        let Some(object) = unknown else { return Ok(()) };
        let now = self.session.changes_of_tables().await?;
        if now.is_some() && now == self.changes_of_tables {
            return Ok(());
        }
        Err(Error::new(
            ErrorKind::Changed,
            "tables were created, altered, renamed, truncated or dropped on the server while the dump \
             ran, and the account cannot see whether this was one of them: run the dump again, or \
             GRANT PROCESS ON *.*",
        )
        .at(|place| place.object = Some(object)))
    }

    /// Fails unless everything that was there when the dump began is in the file, or was left out
    /// by the options: the plan was made later, from another look at the catalogue.
    pub(super) fn check_complete(
        &self,
        plan: &Plan,
        objects: &[ObjectEntry],
        definitions: bool,
    ) -> Result<()> {
        let held: BTreeSet<&ObjectName> = objects.iter().map(|entry| &entry.name).collect();
        let left_out: BTreeSet<&str> = plan.left_out.iter().map(String::as_str).collect();
        for database in &plan.databases {
            let Some(before) = find(&self.before, &database.name) else { continue };
            let tables = before.tables.keys().map(|name| (ObjectKind::Table, name));
            let programs = before.programs.keys().map(|(kind, name)| (*kind, name));
            let programs =
                programs.filter(|(kind, _)| definitions && *kind != ObjectKind::Database);
            for (kind, name) in tables.chain(programs) {
                let object = ObjectName::new(kind, &database.name, name);
                if !held.contains(&object) && !left_out.contains(object.to_string().as_str()) {
                    return Err(changed(&object));
                }
            }
        }
        Ok(())
    }

    /// What several tables have in common that could take one another's place unnoticed.
    fn twins(&self) -> BTreeSet<TwinKey> {
        let mut seen = BTreeSet::new();
        let mut twins = BTreeSet::new();
        for state in self.before.iter().flat_map(|before| before.tables.values()) {
            if state.partitioned {
                // A partition can be exchanged for a table of any age.
                twins.insert(TwinKey { columns: state.columns, created: None });
            } else if !seen.insert(twin_key(state)) {
                twins.insert(twin_key(state));
            }
        }
        let partitioned: BTreeSet<_> =
            twins.iter().filter(|twin| twin.created.is_none()).map(|twin| twin.columns).collect();
        for state in self.before.iter().flat_map(|before| before.tables.values()) {
            if partitioned.contains(&state.columns) {
                twins.insert(twin_key(state));
            }
        }
        twins
    }

    /// Compares a database and the sequences, views, triggers, routines and events that were
    /// dumped of it.
    pub(super) async fn check_programs(&mut self, database: &Database) -> Result<()> {
        let now = self.session.program_fingerprints(&database.name).await?;
        let none = Fingerprints::new();
        let before = find(&self.before, &database.name).map_or(&none, |before| &before.programs);
        for (kind, name) in database.programs() {
            let key = (kind, name.to_owned());
            if before.get(&key) != now.get(&key) {
                return Err(changed(&ObjectName::new(kind, &database.name, name)));
            }
        }
        let of_database = |all: &Fingerprints| {
            all.iter().find(|((kind, _), _)| *kind == ObjectKind::Database).map(|(_, own)| *own)
        };
        if of_database(before) != of_database(&now) {
            return Err(changed(&ObjectName::database(&database.name)));
        }
        Ok(())
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct TwinKey {
    columns: [u8; 32],
    created: Option<u64>,
}

const fn twin_key(state: &TableState) -> TwinKey {
    TwinKey { columns: state.columns, created: state.created }
}

fn own_ids<'a>(ids: Option<&'a InnodbIds>, table: &ObjectName) -> Option<&'a BTreeSet<u64>> {
    ids?.get(&innodb_name(table)?)
}

/// InnoDB's own name of a table: what is neither letter, digit nor underscore stands as `@` and four
/// hexadecimal digits (manual, Mapping of Identifiers to File Names). `None` beyond ASCII, where only
/// the server knows the rest of the rule.
fn innodb_name(table: &ObjectName) -> Option<String> {
    let mut name = String::new();
    for (position, part) in [table.database_name()?, table.name()].into_iter().enumerate() {
        if position > 0 {
            name.push('/');
        }
        for c in part.chars() {
            match c {
                '_' | '0'..='9' | 'a'..='z' | 'A'..='Z' => name.push(c),
                c if c.is_ascii() => {
                    // Writing to a string cannot fail.
                    let _ = write!(name, "@{:04x}", u32::from(c));
                }
                _ => return None,
            }
        }
    }
    Some(name)
}

/// The catalogue can spell a database's name otherwise than it was asked for.
fn find<'a>(all: &'a [Before], database: &str) -> Option<&'a Before> {
    all.iter().find(|before| before.database == database).or_else(|| {
        let name = database.to_lowercase();
        all.iter().find(|before| before.database.to_lowercase() == name)
    })
}

/// What tells the state of a table before from that of now.
fn difference(before: Option<&TableState>, now: Option<&TableState>) -> &'static str {
    match (before, now) {
        (None, _) => "it was not there when the dump began",
        (_, None) => "the server does not list it any more",
        (Some(before), Some(now)) if before.columns != now.columns => "its columns are others",
        (Some(before), Some(now)) if before.created != now.created => {
            "its time of creation is another one"
        }
        _ => "its options are others",
    }
}

fn changed(object: &ObjectName) -> Error {
    Error::new(
        ErrorKind::Changed,
        "it was changed, replaced or dropped while the dump ran; run the dump again",
    )
    .at(|place| place.object = Some(object.clone()))
}

/// Names the object that an error is about. What the server says of an object that is gone, or of
/// a table that is not the one that the snapshot knows, says that it was changed.
pub(super) fn at_object<T>(result: Result<T>, object: &ObjectName) -> Result<T> {
    result.map_err(|error| {
        let server = error.server().filter(|_| error.kind() == ErrorKind::Server).cloned();
        match server {
            Some(server) if is_missing_or_changed(server.number) => {
                changed(object).with_source(server)
            }
            Some(server) if server.number == ER_LOCK_WAIT_TIMEOUT => Error::new(
                ErrorKind::Server,
                "another session holds a lock on it, and the time to wait for that is over; run \
                 the dump again, or let it wait longer (with_lock_wait_seconds)",
            )
            .with_source(server)
            .at(|place| place.object = Some(object.clone())),
            _ => error.at(|place| place.object = Some(object.clone())),
        }
    })
}
