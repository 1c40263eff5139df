//! The manifest: what a backup holds and where it came from.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::ident::{ObjectKind, ObjectName};

/// What a backup holds and where it came from; JSON at the end of the file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Manifest {
    /// The version of the file format.
    pub format: u32,
    /// The program that wrote the file: `snapdump` and its version.
    pub writer: String,
    /// The moment of the snapshot: everything committed before it is in the file (UTC).
    pub created_at: DateTime<Utc>,
    /// The family of the server: `MySQL` or `MariaDB`.
    pub flavor: String,
    /// The server's version text.
    pub server_version: String,
    /// How the rows were held still while they were read.
    pub snapshot: Snapshot,
    /// Whether the script creates and selects its databases itself (`CREATE DATABASE`, `USE`).
    /// When it does not, it restores into whatever database is selected.
    pub names_databases: bool,
    /// The databases, in the order of the script.
    pub databases: Vec<DatabaseEntry>,
    /// Every object in the file, in the order of the script.
    pub objects: Vec<ObjectEntry>,
    /// The accounts and roles that the file creates, as `user@host`; empty unless they were asked
    /// for. They belong to the server, not to a database.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub accounts: Vec<String>,
    /// What the options left out, one sentence each.
    pub left_out: Vec<String>,
    /// What a person should know about this backup, one sentence each.
    pub warnings: Vec<String>,
    /// The longest statement in bytes; the target's `max_allowed_packet` must be larger.
    pub largest_statement_bytes: u64,
}

impl Manifest {
    /// How many objects of each kind the file holds.
    #[must_use]
    pub fn counts(&self) -> BTreeMap<ObjectKind, u64> {
        let mut counts = BTreeMap::new();
        for object in &self.objects {
            *counts.entry(object.name.kind()).or_insert(0) += 1;
        }
        counts
    }

    /// The sum of the row counts of all tables.
    #[must_use]
    pub fn rows(&self) -> u64 {
        self.objects.iter().filter_map(|object| object.rows).fold(0, u64::saturating_add)
    }
}

/// A database in a backup.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct DatabaseEntry {
    /// Its name on the server it was dumped from.
    pub name: String,
    /// Its default character set.
    pub charset: String,
    /// Its default collation.
    pub collation: String,
}

/// An object in a backup.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ObjectEntry {
    /// Its kind, database and name.
    #[serde(flatten)]
    pub name: ObjectName,
    /// The storage engine of a table.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub engine: Option<String>,
    /// The rows of a table that are in the file; absent when its rows were left out by option,
    /// and for everything that has no rows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rows: Option<u64>,
    /// How many of `rows` are rows of the past, which a system-versioned table keeps (`MariaDB`);
    /// absent where there are none or they were left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub history_rows: Option<u64>,
    /// How the rows of a table without transactions were held still; absent where the snapshot
    /// did that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub held: Option<Held>,
    /// Whether the rows were chosen by a `WHERE` condition.
    #[serde(default, skip_serializing_if = "is_false")]
    pub filtered: bool,
    /// Whether the file holds the statement that creates it.
    #[serde(default = "yes", skip_serializing_if = "is_true")]
    pub definition: bool,
}

// serde passes fields by reference.
#[expect(clippy::trivially_copy_pass_by_ref, reason = "the signature that serde asks for")]
const fn is_false(value: &bool) -> bool {
    !*value
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the signature that serde asks for")]
const fn is_true(value: &bool) -> bool {
    *value
}

const fn yes() -> bool {
    true
}

const fn one() -> u32 {
    1
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the signature that serde asks for")]
const fn is_one(number: &u32) -> bool {
    *number == 1
}

/// How the rows of a table that no snapshot covers were held still while they were read. Either way
/// they are of the moment of their read, which is later than that of the snapshot.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Held {
    /// By `LOCK TABLES … READ`: they are of one moment.
    ReadLock,
    /// Not at all, because the account may not lock tables: rows can be of different moments.
    Nothing,
}

/// How the rows were held still while they were read, and where that state stands in the binlog.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Snapshot {
    /// How the state was fixed.
    pub rung: SnapshotRung,
    /// How many connections read rows in this state.
    #[serde(default = "one", skip_serializing_if = "is_one")]
    pub connections: u32,
    /// The position in the binary log that the snapshot equals; absent when the server writes no
    /// binary log, does not tell this account, or was too busy to tell without a lock.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub binlog: Option<BinlogPosition>,
    /// The GTIDs whose transactions the snapshot holds, in the server's own notation; absent for
    /// the same reasons.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gtid: Option<String>,
}

/// How the connections that read rows were made to see one state.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum SnapshotRung {
    /// One connection in one `START TRANSACTION WITH CONSISTENT SNAPSHOT`.
    OneConnection,
    /// Several, around whose beginning no transaction got a GTID or was about to (`MySQL`). No lock
    /// was taken.
    SameGtid,
    /// Several, begun while `BACKUP STAGE BLOCK_COMMIT` held all commits back (`MariaDB`).
    BackupStage,
    /// Several, begun under `FLUSH TABLES WITH READ LOCK` (`MySQL`).
    GlobalReadLock,
}

/// A place in the server's binary log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct BinlogPosition {
    /// The log file's name.
    pub file: String,
    /// The offset in it, in bytes.
    pub position: u64,
}

impl BinlogPosition {
    pub(crate) const fn new(file: String, position: u64) -> Self {
        Self { file, position }
    }
}

impl DatabaseEntry {
    pub(crate) const fn new(name: String, charset: String, collation: String) -> Self {
        Self { name, charset, collation }
    }
}

impl ObjectEntry {
    pub(crate) const fn new(name: ObjectName) -> Self {
        Self {
            name,
            engine: None,
            rows: None,
            history_rows: None,
            held: None,
            filtered: false,
            definition: true,
        }
    }
}
