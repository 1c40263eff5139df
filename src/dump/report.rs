//! What a finished dump tells.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::archive::Snapshot;
use crate::ident::ObjectKind;
use crate::progress::seconds;

/// The result of a finished dump.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct DumpReport {
    /// How many objects of each kind are in the file.
    pub objects: BTreeMap<ObjectKind, u64>,
    /// Tables in the file.
    pub tables: u64,
    /// Accounts and roles in the file.
    pub accounts: u64,
    /// Rows in the file.
    pub rows: u64,
    /// Bytes of SQL text, before compression and without the footer.
    pub sql_bytes: u64,
    /// Bytes of the file.
    pub file_bytes: u64,
    /// Members of the file, footer not counted.
    pub members: u64,
    /// From the call to the last byte; seconds with a fraction in JSON.
    #[serde(with = "seconds")]
    pub duration: Duration,
    /// How the rows were held still, and the snapshot's place in the binary log.
    pub snapshot: Snapshot,
    /// The SHA-256 of everything before the file's trailer, in hexadecimal.
    pub sha256: String,
    /// What a person should know about this backup, one sentence each.
    pub warnings: Vec<String>,
}
