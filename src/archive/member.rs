//! Members: the pieces of a file, how one is packed, and the index that lists them.

use std::io::Write as _;

use flate2::GzBuilder;
use serde::{Deserialize, Serialize};

use crate::error::{Error, ErrorKind, Result};

/// Whether and how a dump is compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Compression {
    /// Plain SQL text.
    None,
    /// gzip at a level from 1 (fast) to 9 (small).
    Gzip(u8),
}

impl Compression {
    /// gzip at `level`.
    ///
    /// # Errors
    /// [`ErrorKind::Config`] if the level is not between 1 and 9.
    pub fn gzip(level: u8) -> Result<Self> {
        if (1..=9).contains(&level) {
            Ok(Self::Gzip(level))
        } else {
            Err(Error::config(format!("compression level {level} is not between 1 and 9")))
        }
    }
}

impl Default for Compression {
    /// gzip at level 2: on dump text within two hundredths of what `gzip -6` makes of it, at several
    /// times its speed.
    fn default() -> Self {
        Self::Gzip(2)
    }
}

/// What the statements of a member are for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Section {
    /// Saves the session's settings and sets those that the rest needs.
    Start,
    /// Creates accounts and roles.
    Accounts,
    /// Creates or adjusts a database and selects it.
    Database,
    /// Creates sequences and sets their next value.
    Sequences,
    /// Creates tables and fills them.
    Tables,
    /// Creates a stand-in for every view, so that anything may refer to it.
    StandIns,
    /// Creates functions, procedures and packages.
    Routines,
    /// Replaces the stand-ins by the views.
    Views,
    /// Creates triggers.
    Triggers,
    /// Creates events.
    Events,
    /// Grants accounts and roles what they may do.
    Grants,
    /// Puts the session's settings back.
    End,
}

/// One table's share of a member.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Part {
    /// The position of the table in [`Manifest::objects`](super::Manifest::objects), from 0.
    pub object: u32,
    /// Whether the statement that creates the table is in this member.
    pub definition: bool,
    /// The rows of the table in this member; 0 where it has none here.
    pub rows: u64,
}

impl Part {
    pub(crate) const fn new(object: u32) -> Self {
        Self { object, definition: false, rows: 0 }
    }
}

/// One member of a file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Member {
    /// What its statements are for.
    pub section: Section,
    /// The position of its database in [`Manifest::databases`](super::Manifest::databases);
    /// absent where a member belongs to no database.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub database: Option<u32>,
    /// Where it starts in the file, in bytes.
    pub offset: u64,
    /// Its length in the file, in bytes.
    pub length: u64,
    /// The length of its SQL text, in bytes.
    pub sql_bytes: u64,
    /// The CRC-32 of its SQL text, as gzip has it.
    pub crc32: u32,
    /// The tables in it; empty outside [`Section::Tables`].
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub parts: Vec<Part>,
}

/// The list of all members before the manifest, in the order of the file, without gaps.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Index {
    /// The members.
    pub members: Vec<Member>,
}

/// A member's bytes as they go into the file.
pub(crate) struct Packed {
    pub(crate) bytes: Vec<u8>,
    pub(super) sql_bytes: u64,
    pub(super) crc32: u32,
    /// The buffer that held the SQL text, empty again.
    pub(super) spare: Vec<u8>,
}

/// Packs SQL text into one member. Slow for a runtime thread: for the blocking pool.
pub(crate) fn pack(mut sql: Vec<u8>, compression: Compression) -> Result<Packed> {
    let sql_bytes = u64::try_from(sql.len()).unwrap_or(u64::MAX);
    let crc32 = crc32fast::hash(&sql);
    let bytes = match compression {
        Compression::None => std::mem::take(&mut sql),
        Compression::Gzip(level) => {
            let level = flate2::Compression::new(u32::from(level));
            // No time and no system in the header: the same rows give the same bytes.
            let mut encoder = GzBuilder::new()
                .mtime(0)
                .operating_system(255)
                .write(Vec::with_capacity(sql.len() / 3), level);
            encoder.write_all(&sql).and_then(|()| encoder.finish()).map_err(|error| {
                Error::new(ErrorKind::Internal, "could not compress a member").with_source(error)
            })?
        }
    };
    sql.clear();
    Ok(Packed { bytes, sql_bytes, crc32, spare: sql })
}
