//! Detects definitions that change while they are being dumped.
//!
//! Fingerprints of everything are taken before the snapshot begins. A table's is taken again while
//! its metadata lock is still held by the read of its rows, so nothing can have changed in between
//! unseen, and what is done to the table afterwards does not matter any more. Views, triggers,
//! routines and events are compared at the end.

use std::collections::{BTreeMap, BTreeSet};

use crate::context::Context;
use crate::error::{Error, ErrorKind, Result};
use crate::ident::{ObjectKind, ObjectName};
use crate::server::{ConnectOptions, Database, Fingerprints, Session, is_missing_or_changed};

/// The state of one database before the snapshot.
#[derive(Debug)]
struct Before {
    database: String,
    tables: Fingerprints,
    programs: Fingerprints,
}

/// What everything looked like before the snapshot, and the connection that looks again.
pub(super) struct Guard {
    /// A connection of its own: inside the snapshot, `MySQL` shows the catalogue as it was when
    /// the snapshot began.
    session: Session,
    before: Vec<Before>,
    innodb_ids: Option<BTreeMap<String, u64>>,
}

impl Guard {
    /// Takes the fingerprints; to be called before the snapshot begins.
    pub(super) async fn take(
        connect: &ConnectOptions,
        databases: &[String],
        context: &Context,
    ) -> Result<Self> {
        let mut session = Session::open(connect, context).await?;
        session.set_up_for_dump().await?;
        // Every statement is to see the latest state.
        session.execute("SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED").await?;
        let mut before = Vec::with_capacity(databases.len());
        for database in databases {
            before.push(Before {
                tables: session.table_fingerprints(database, None).await?,
                programs: session.program_fingerprints(database).await?,
                database: database.clone(),
            });
        }
        let innodb_ids = session.innodb_table_ids().await?;
        Ok(Self { session, before, innodb_ids })
    }

    /// Closes the guard's connection.
    pub(super) async fn close(self) {
        self.session.close().await;
    }

    /// Compares one table, whose metadata lock the dumping session holds.
    pub(super) async fn check_table(&mut self, table: &ObjectName) -> Result<()> {
        let database = table.database_name().unwrap_or_default();
        let now = self.session.table_fingerprints(database, Some(table.name())).await?;
        let key = (ObjectKind::Table, table.name().to_owned());
        let before = find(&self.before, database).and_then(|before| before.tables.get(&key));
        if before.is_some() && before == now.get(&key) { Ok(()) } else { Err(changed(table)) }
    }

    /// Finds tables that took another one's name since the dump began. Two tables of the same
    /// columns that were created within the same second have the same fingerprint on `MySQL`.
    pub(super) async fn check_names(&mut self, database: &Database) -> Result<()> {
        let Some(before) = &self.innodb_ids else { return Ok(()) };
        let Some(now) = self.session.innodb_table_ids().await? else { return Ok(()) };
        let known: BTreeSet<u64> = before.values().copied().collect();
        for table in &database.tables {
            let name = format!("{}/{}", database.name, table.name);
            if let Some(id) = now.get(&name)
                && before.get(&name) != Some(id)
                && known.contains(id)
            {
                return Err(changed(&ObjectName::new(
                    ObjectKind::Table,
                    &database.name,
                    &table.name,
                )));
            }
        }
        Ok(())
    }

    /// Compares the views, triggers, routines and events that were dumped of a database.
    pub(super) async fn check_programs(&mut self, database: &Database) -> Result<()> {
        let now = self.session.program_fingerprints(&database.name).await?;
        let none = Fingerprints::new();
        let before = find(&self.before, &database.name).map_or(&none, |before| &before.programs);
        let views = database.views.keys().map(|name| (ObjectKind::View, name));
        let triggers = database.triggers.iter().map(|item| (ObjectKind::Trigger, &item.name));
        let routines = database.routines.iter().map(|item| (item.kind, &item.name));
        let events = database.events.iter().map(|item| (ObjectKind::Event, &item.name));
        for (kind, name) in views.chain(triggers).chain(routines).chain(events) {
            let key = (kind, name.clone());
            if before.get(&key) != now.get(&key) {
                return Err(changed(&ObjectName::new(kind, &database.name, name)));
            }
        }
        Ok(())
    }
}

/// The catalogue can spell a database's name otherwise than it was asked for.
fn find<'a>(all: &'a [Before], database: &str) -> Option<&'a Before> {
    let name = database.to_lowercase();
    all.iter().find(|before| before.database.to_lowercase() == name)
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
    result.map_err(|error| match error.server() {
        Some(server)
            if error.kind() == ErrorKind::Server && is_missing_or_changed(server.number) =>
        {
            let server = server.clone();
            changed(object).with_source(server)
        }
        _ => error.at(|place| place.object = Some(object.clone())),
    })
}
