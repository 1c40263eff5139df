//! What tells whether an object is still the same as a moment ago.
//!
//! A consistent snapshot covers rows only. Definitions are not versioned: a table that was swapped
//! for another, or changed, after the snapshot began would be read under rows of another time, some
//! of it without any error (an empty table, for one that was renamed into place on `MariaDB`).

use std::collections::{BTreeMap, BTreeSet};

use sha2::{Digest as _, Sha256};

use super::in_database::InDatabase;
use super::string_literal;
use crate::error::{ErrorKind, Result};
use crate::ident::{ObjectKind, quote_identifier};
use crate::server::flavor::Flavor;
use crate::server::rows::TextRow;
use crate::server::session::Session;

/// A digest of what the catalogue says about an object.
pub(crate) type Fingerprint = [u8; 32];

/// The fingerprints of the objects of one database, but for its tables. The database itself is
/// among them.
pub(crate) type Fingerprints = BTreeMap<(ObjectKind, String), Fingerprint>;

/// What tells a table from another one, as far as every account may see it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct TableState {
    /// Columns, and whatever else a change would show in but for the time of creation.
    fingerprint: Fingerprint,
    /// The columns alone: rows of tables of the same columns can stand in for one another.
    pub(crate) columns: Fingerprint,
    /// When it was created, in whole seconds of Unix time. Every change of the definition counts
    /// as a creation, but for those of single partitions.
    pub(crate) created: Option<u64>,
    /// Whether it has a time of creation that the server does not tell at the moment: MariaDB at
    /// times does not, just after a table was made and filled.
    pub(crate) creation_untold: bool,
    pub(crate) partitioned: bool,
}

impl TableState {
    /// Whether both can be states of a table that has not changed in between. Where one of them does
    /// not tell the time of creation, something else has to prove that it was not replaced.
    pub(crate) fn agrees_with(&self, other: &Self) -> bool {
        let untold = self.creation_untold || other.creation_untold;
        self.fingerprint == other.fingerprint && (untold || self.created == other.created)
    }
}

/// The tables of one database by name.
pub(crate) type TableStates = BTreeMap<String, TableState>;

/// The numbers that InnoDB gives its tables and partitions, by its own spelling of
/// `database/table`. A rename keeps them; what replaces all rows makes new ones.
pub(crate) type InnodbIds = BTreeMap<String, BTreeSet<u64>>;

/// The column of the time of creation in the query of the tables, behind what the digest takes.
const CREATED: usize = 6;

impl Session {
    /// The states of all tables of a database, or of some.
    pub(crate) async fn table_states(
        &mut self,
        database: &str,
        tables: Option<&[&str]>,
    ) -> Result<TableStates> {
        let schema = self.in_database(database);
        let mut of = format!("WHERE {}", schema.by("TABLE_SCHEMA"));
        if let Some(tables) = tables {
            let names: Vec<_> = tables.iter().map(|table| string_literal(table)).collect();
            of.push_str(" AND TABLE_NAME IN (");
            of.push_str(&names.join(","));
            of.push(')');
        }
        let columns = format!(
            "SELECT TABLE_NAME, ORDINAL_POSITION, COLUMN_NAME, COLUMN_TYPE, COLLATION_NAME, \
             IS_NULLABLE, EXTRA, GENERATION_EXPRESSION, COLUMN_DEFAULT, COLUMN_COMMENT \
             FROM information_schema.COLUMNS {of} ORDER BY TABLE_NAME, ORDINAL_POSITION"
        );
        let mut digests = Digests::default();
        digests.read(self, ObjectKind::Table, &columns).await?;
        let columns = digests.finish();
        let tables = format!(
            "SELECT TABLE_NAME, TABLE_TYPE, ENGINE, CREATE_OPTIONS, TABLE_COLLATION, \
             TABLE_COMMENT, UNIX_TIMESTAMP(CREATE_TIME) \
             FROM information_schema.TABLES {of} AND TABLE_TYPE IN ('BASE TABLE', 'SYSTEM VERSIONED')"
        );
        let rows = self.query(&tables).await?;
        let views = self.views_among(&schema, &rows).await?;
        let mut states = TableStates::new();
        for row in rows {
            let name = row.text(0)?;
            if views.contains(&name) {
                continue;
            }
            let columns =
                columns.get(&(ObjectKind::Table, name.clone())).copied().unwrap_or_default();
            let mut digest = Sha256::new_with_prefix(columns);
            for column in 0..CREATED {
                add_value(&mut digest, row.bytes(column)?);
            }
            let created = row.optional_number(CREATED)?;
            let innodb = row.optional_text(2)?.is_some_and(|engine| engine == "InnoDB");
            let state = TableState {
                fingerprint: digest.finalize().into(),
                columns,
                created,
                creation_untold: innodb && created.is_none(),
                partitioned: row.text(3)?.contains("partitioned"),
            };
            states.insert(name, state);
        }
        Ok(states)
    }

    /// The numbers of the tables of InnoDB, of all or of some by their names there; `None` for an
    /// account without `PROCESS`, which is not told.
    pub(crate) async fn innodb_ids(
        &mut self,
        names: Option<&[String]>,
    ) -> Result<Option<InnodbIds>> {
        let view = match self.flavor() {
            Flavor::MySql => "INNODB_TABLES",
            Flavor::MariaDb => "INNODB_SYS_TABLES",
        };
        let mut sql = format!("SELECT NAME, TABLE_ID FROM information_schema.{view}");
        if let Some(names) = names {
            let names: Vec<_> = names.iter().map(|name| string_literal(name)).collect();
            // Each partition is a table to InnoDB: `database/table#p#partition`.
            sql.push_str(" WHERE SUBSTRING_INDEX(NAME, '#', 1) IN (");
            sql.push_str(&names.join(","));
            sql.push(')');
        }
        let rows = match self.query(&sql).await {
            Ok(rows) => rows,
            Err(error) if error.kind() == ErrorKind::Privilege => return Ok(None),
            Err(error) => return Err(error),
        };
        let mut ids = InnodbIds::new();
        for row in rows {
            let name = row.text(0)?;
            let table = name.split('#').next().unwrap_or_default();
            ids.entry(table.to_owned()).or_default().extend(row.optional_number(1)?);
        }
        Ok(Some(ids))
    }

    /// How many statements that change tables the server has run since it started, whoever sent
    /// them; `None` if it does not tell. It takes no privilege to see that.
    pub(crate) async fn changes_of_tables(&mut self) -> Result<Option<u64>> {
        let rows = self
            .query(
                "SHOW GLOBAL STATUS WHERE Variable_name IN ('Com_alter_table', \
                 'Com_create_table', 'Com_drop_table', 'Com_rename_table', 'Com_truncate')",
            )
            .await?;
        let mut changes = None;
        for row in rows {
            changes = Some(changes.unwrap_or(0) + row.optional_number(1)?.unwrap_or(0));
        }
        Ok(changes)
    }

    /// The server's clock in whole seconds of Unix time.
    pub(crate) async fn clock(&mut self) -> Result<u64> {
        let row = self.query_one("SELECT FLOOR(UNIX_TIMESTAMP(SYSDATE(6)))").await?;
        Ok(row.optional_number(0)?.unwrap_or(0))
    }

    /// The fingerprints of the views, triggers, routines, events and sequences of a database, and
    /// of its own defaults: their text, and whatever else the catalogue says of them.
    pub(crate) async fn program_fingerprints(&mut self, database: &str) -> Result<Fingerprints> {
        let schema = self.in_database(database);
        let mut digests = Digests::default();
        // Its character set, collation, and encryption or comment where it has them. Not by `SHOW
        // CREATE DATABASE`, which waits for whoever reads a table of the database (`MySQL`).
        let database = "SELECT SCHEMA_NAME, SCHEMATA.* FROM information_schema.SCHEMATA \
                        WHERE";
        let view = "SELECT TABLE_NAME, VIEW_DEFINITION, CHECK_OPTION, DEFINER, SECURITY_TYPE, \
                    CHARACTER_SET_CLIENT, COLLATION_CONNECTION \
                    FROM information_schema.VIEWS WHERE";
        let trigger = "SELECT TRIGGER_NAME, EVENT_OBJECT_TABLE, ACTION_ORDER, ACTION_STATEMENT, \
                       ACTION_TIMING, EVENT_MANIPULATION, CREATED, SQL_MODE, DEFINER, \
                       CHARACTER_SET_CLIENT, COLLATION_CONNECTION, DATABASE_COLLATION \
                       FROM information_schema.TRIGGERS WHERE";
        // Not when it ran last: that is no change.
        let event = "SELECT EVENT_NAME, EVENT_DEFINITION, CREATED, LAST_ALTERED, SQL_MODE, \
                     DEFINER, TIME_ZONE, INTERVAL_VALUE, INTERVAL_FIELD, EXECUTE_AT, STARTS, ENDS, \
                     STATUS, ON_COMPLETION, EVENT_COMMENT \
                     FROM information_schema.EVENTS WHERE";
        for (kind, query, column) in [
            (ObjectKind::Database, database, "SCHEMA_NAME"),
            (ObjectKind::View, view, "TABLE_SCHEMA"),
            (ObjectKind::Trigger, trigger, "TRIGGER_SCHEMA"),
            (ObjectKind::Event, event, "EVENT_SCHEMA"),
        ] {
            digests.read(self, kind, &format!("{query} {}", schema.by(column))).await?;
        }
        for kind in [
            ObjectKind::Function,
            ObjectKind::Procedure,
            ObjectKind::Package,
            ObjectKind::PackageBody,
        ] {
            let query = format!(
                "SELECT ROUTINE_NAME, ROUTINE_DEFINITION, CREATED, LAST_ALTERED, SQL_MODE, DEFINER, \
                     DTD_IDENTIFIER, SECURITY_TYPE, SQL_DATA_ACCESS, IS_DETERMINISTIC, ROUTINE_COMMENT, \
                     CHARACTER_SET_CLIENT, COLLATION_CONNECTION, DATABASE_COLLATION \
                     FROM information_schema.ROUTINES \
                     WHERE ROUTINE_TYPE = '{}' AND {}",
                kind.sql(),
                schema.by("ROUTINE_SCHEMA")
            );
            digests.read(self, kind, &query).await?;
            let query = format!(
                "SELECT SPECIFIC_NAME, ORDINAL_POSITION, PARAMETER_MODE, PARAMETER_NAME, \
                     DTD_IDENTIFIER, COLLATION_NAME FROM information_schema.PARAMETERS \
                     WHERE ROUTINE_TYPE = '{}' AND {} \
                     ORDER BY SPECIFIC_NAME, ORDINAL_POSITION",
                kind.sql(),
                schema.by("SPECIFIC_SCHEMA")
            );
            digests.read(self, kind, &query).await?;
        }
        if self.knows_libraries().await? {
            let query = format!(
                "SELECT LIBRARY_NAME, LIBRARY_DEFINITION, LANGUAGE, CREATED, LAST_ALTERED, \
                 SQL_MODE, CREATOR, LIBRARY_COMMENT FROM information_schema.LIBRARIES \
                 WHERE {}",
                schema.by("LIBRARY_SCHEMA")
            );
            digests.read(self, ObjectKind::Library, &query).await?;
        }
        self.sequence_digests(&schema, &mut digests).await?;
        Ok(digests.finish())
    }

    /// Sequences: the time of creation tells a rename, the text what was altered. Not the next
    /// value: that is no change.
    async fn sequence_digests(&mut self, schema: &InDatabase, digests: &mut Digests) -> Result<()> {
        let sql = format!(
            "SELECT TABLE_NAME, CREATE_TIME, TABLE_SCHEMA FROM information_schema.TABLES \
             WHERE TABLE_TYPE = 'SEQUENCE' AND {}",
            schema.by("TABLE_SCHEMA")
        );
        for row in self.query(&sql).await? {
            let (name, database) = (row.text(0)?, row.text(2)?);
            digests.add(ObjectKind::Sequence, &row)?;
            let sql = format!(
                "SHOW CREATE SEQUENCE {}.{}",
                quote_identifier(&database),
                quote_identifier(&name)
            );
            match self.query_one(&sql).await {
                Ok(row) => digests.add(ObjectKind::Sequence, &row)?,
                // Gone in between: it has no text then.
                Err(error) if error.kind() == ErrorKind::Server => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}

fn add_row(digest: &mut Sha256, row: &TextRow) -> Result<()> {
    for column in 0..row.columns() {
        add_value(digest, row.bytes(column)?);
    }
    Ok(())
}

fn add_value(digest: &mut Sha256, value: Option<&[u8]>) {
    // The length keeps the border between two values from moving.
    let length = value.map_or(u64::MAX, |value| value.len().try_into().unwrap_or(0));
    digest.update(length.to_le_bytes());
    digest.update(value.unwrap_or_default());
}

#[derive(Default)]
struct Digests(BTreeMap<(ObjectKind, String), Sha256>);

impl Digests {
    /// Adds every row to the digest of the object that its first column names.
    async fn read(&mut self, session: &mut Session, kind: ObjectKind, query: &str) -> Result<()> {
        for row in session.query(query).await? {
            self.add(kind, &row)?;
        }
        Ok(())
    }

    fn add(&mut self, kind: ObjectKind, row: &TextRow) -> Result<()> {
        add_row(self.0.entry((kind, row.text(0)?)).or_default(), row)
    }

    fn finish(self) -> Fingerprints {
        self.0.into_iter().map(|(object, digest)| (object, digest.finalize().into())).collect()
    }
}
