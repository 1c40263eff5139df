//! The file format: members, manifest, index and trailer. FORMAT.md numbers its rules.
//!
//! A backup is a sequence of *members*, each a whole number of SQL statements; compressed, every
//! member is a gzip member of its own (RFC 1952 allows a file to hold many). The last three hold,
//! as SQL comments, the manifest, the index of all members before it, and a trailer of fixed size
//! that says where those two stand and what the digest of everything before it is.

mod footer;
mod inflate;
mod manifest;
mod member;
mod pack;
mod read;
#[cfg(test)]
mod tests;
mod verify;
mod writer;

pub use footer::{Footer, inspect};
pub(crate) use footer::{Origin, inspect_file, origin};
pub(crate) use inflate::{INFLATION_LIMIT, SqlReader, read_error};
pub use manifest::{
    BinlogPosition, DatabaseEntry, Held, Manifest, ObjectEntry, Snapshot, SnapshotRung,
};
pub use member::{Compression, Index, Member, Part, Section};
pub(crate) use pack::Packer;
pub(crate) use read::read_member;
pub(crate) use verify::{Seen, verify_file, verify_file_with};
pub use verify::{VerifyReport, verify};
#[cfg(test)]
pub(crate) use writer::Written;
pub(crate) use writer::{ArchiveWriter, Buffers, Draft};

/// The first bytes of the SQL text of every file of this format, whatever its version.
pub(crate) const SIGNATURE: &str = "-- snapdump format ";

/// The version of the format that this crate writes, and the only one so far.
pub(crate) const FORMAT_VERSION: u32 = 1;
