//! What tells whether an object is still the same as a moment ago.
//!
//! A consistent snapshot covers rows only. Definitions are not versioned: a table that was swapped
//! for another, or changed, after the snapshot began would be read under rows of another time, some
//! of it without any error (an empty table, for one that was renamed into place on `MariaDB`).

use std::collections::BTreeMap;

use sha2::{Digest as _, Sha256};

use super::string_literal;
use crate::error::{ErrorKind, Result};
use crate::ident::ObjectKind;
use crate::server::flavor::Flavor;
use crate::server::session::Session;

/// A digest of what the catalogue says about an object.
pub(crate) type Fingerprint = [u8; 32];

/// The fingerprints of the objects of one database.
pub(crate) type Fingerprints = BTreeMap<(ObjectKind, String), Fingerprint>;

impl Session {
    /// The fingerprints of all tables of a database, or of one: when it was created, and its
    /// columns.
    pub(crate) async fn table_fingerprints(
        &mut self,
        database: &str,
        table: Option<&str>,
    ) -> Result<Fingerprints> {
        let mut of = format!("WHERE TABLE_SCHEMA = {}", string_literal(database));
        if let Some(table) = table {
            of.push_str(" AND TABLE_NAME = ");
            of.push_str(&string_literal(table));
        }
        let mut digests = Digests::default();
        let tables = "SELECT TABLE_NAME, TABLE_TYPE, ENGINE, CREATE_TIME, CREATE_OPTIONS \
                      FROM information_schema.TABLES";
        digests.read(self, ObjectKind::Table, &format!("{tables} {of}")).await?;
        let columns = "SELECT TABLE_NAME, ORDINAL_POSITION, COLUMN_NAME, COLUMN_TYPE, \
                       COLLATION_NAME, IS_NULLABLE, EXTRA, GENERATION_EXPRESSION \
                       FROM information_schema.COLUMNS";
        let order = "ORDER BY TABLE_NAME, ORDINAL_POSITION";
        digests.read(self, ObjectKind::Table, &format!("{columns} {of} {order}")).await?;
        Ok(digests.finish())
    }

    /// The numbers that InnoDB gives its tables, by `database/table` in its own spelling; a rename
    /// keeps them. `None` where they are not needed, because the time of creation changes with a
    /// rename (`MariaDB`), or not told, because the account lacks `PROCESS`.
    pub(crate) async fn innodb_table_ids(&mut self) -> Result<Option<BTreeMap<String, u64>>> {
        if self.flavor() == Flavor::MariaDb {
            return Ok(None);
        }
        let rows =
            match self.query("SELECT NAME, TABLE_ID FROM information_schema.INNODB_TABLES").await {
                Ok(rows) => rows,
                Err(error) if error.kind() == ErrorKind::Privilege => return Ok(None),
                Err(error) => return Err(error),
            };
        let ids = rows.iter().map(|row| Ok((row.text(0)?, row.optional_number(1)?.unwrap_or(0))));
        ids.collect::<Result<_>>().map(Some)
    }

    /// The fingerprints of the views, triggers, routines and events of a database: their text, and
    /// whatever else the catalogue says of them.
    pub(crate) async fn program_fingerprints(&mut self, database: &str) -> Result<Fingerprints> {
        let schema = string_literal(database);
        let mut digests = Digests::default();
        for (kind, query) in [
            (
                ObjectKind::View,
                "SELECT TABLE_NAME, VIEW_DEFINITION, CHECK_OPTION, DEFINER, SECURITY_TYPE \
                 FROM information_schema.VIEWS WHERE TABLE_SCHEMA =",
            ),
            (
                ObjectKind::Trigger,
                "SELECT TRIGGER_NAME, EVENT_OBJECT_TABLE, ACTION_ORDER, ACTION_STATEMENT, \
                 ACTION_TIMING, EVENT_MANIPULATION, CREATED, SQL_MODE, DEFINER \
                 FROM information_schema.TRIGGERS WHERE TRIGGER_SCHEMA =",
            ),
            (
                ObjectKind::Event,
                "SELECT EVENT_NAME, EVENT_DEFINITION, CREATED, LAST_ALTERED, SQL_MODE, DEFINER, \
                 TIME_ZONE FROM information_schema.EVENTS WHERE EVENT_SCHEMA =",
            ),
        ] {
            digests.read(self, kind, &format!("{query} {schema}")).await?;
        }
        for kind in [
            ObjectKind::Function,
            ObjectKind::Procedure,
            ObjectKind::Package,
            ObjectKind::PackageBody,
        ] {
            let query = format!(
                "SELECT ROUTINE_NAME, ROUTINE_DEFINITION, CREATED, LAST_ALTERED, SQL_MODE, DEFINER, \
                 DTD_IDENTIFIER FROM information_schema.ROUTINES \
                 WHERE ROUTINE_TYPE = '{}' AND ROUTINE_SCHEMA = {schema}",
                kind.sql()
            );
            digests.read(self, kind, &query).await?;
        }
        Ok(digests.finish())
    }
}

#[derive(Default)]
struct Digests(BTreeMap<(ObjectKind, String), Sha256>);

impl Digests {
    /// Adds every row to the digest of the object that its first column names.
    async fn read(&mut self, session: &mut Session, kind: ObjectKind, query: &str) -> Result<()> {
        for row in session.query(query).await? {
            let digest = self.0.entry((kind, row.text(0)?)).or_default();
            for column in 0..row.columns() {
                let value = row.bytes(column)?;
                // The length keeps the border between two columns from moving.
                let length = value.map_or(u64::MAX, |value| value.len().try_into().unwrap_or(0));
                digest.update(length.to_le_bytes());
                digest.update(value.unwrap_or_default());
            }
        }
        Ok(())
    }

    fn finish(self) -> Fingerprints {
        self.0.into_iter().map(|(object, digest)| (object, digest.finalize().into())).collect()
    }
}
