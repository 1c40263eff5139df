//! Members: the pieces of a file, and the index that lists them.

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};

/// Whether and how a dump is compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Compression {
    /// Plain SQL text.
    None,
    /// gzip at a level from 1 (fast) to 9 (small); a dump at another is refused. These are levels of
    /// libdeflate, which makes fewer bytes of a level than zlib and the program gzip do.
    Gzip(u8),
}

impl Compression {
    /// gzip at `level`.
    ///
    /// # Errors
    /// [`ErrorKind::Config`](crate::ErrorKind::Config) if the level is not between 1 and 9.
    pub fn gzip(level: u8) -> Result<Self> {
        if (1..=9).contains(&level) {
            Ok(Self::Gzip(level))
        } else {
            Err(Error::config(format!("compression level {level} is not between 1 and 9")))
        }
    }

    /// Fails for a level that there is not: the variant takes any number.
    pub(crate) fn check(self) -> Result<()> {
        match self {
            Self::None => Ok(()),
            Self::Gzip(level) => Self::gzip(level).map(drop),
        }
    }
}

impl Default for Compression {
    /// gzip at level 1: on dump text within two hundredths of the bytes that `gzip -6` makes, at
    /// several times its speed.
    fn default() -> Self {
        Self::Gzip(1)
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
