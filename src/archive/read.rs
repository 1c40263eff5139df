//! Reads single members of a file that has been verified.

use std::fs::File;
use std::io::{Read as _, Seek as _, SeekFrom};
use std::path::Path;

use flate2::bufread::GzDecoder;

use super::member::Member;
use crate::error::{Error, ErrorKind, Result};

/// The most that is set aside before anything is read; what a member really needs, it grows to.
const CAPACITY_LIMIT: u64 = 16 << 20;

/// The SQL text of one member. Blocks; for the blocking pool.
///
/// Length and checksum are compared once more: the file can have changed since it was verified.
pub(crate) fn read_member(path: &Path, member: &Member, compressed: bool) -> Result<Vec<u8>> {
    let read = |error| Error::io("could not read the backup", error);
    let changed = || {
        Error::new(ErrorKind::Digest, "the file was changed after it was checked")
            .at(|place| place.byte = Some(member.offset))
    };
    let mut file = File::open(path).map_err(read)?;
    file.seek(SeekFrom::Start(member.offset)).map_err(read)?;
    let mut stored = Vec::with_capacity(capacity(member.length));
    file.take(member.length).read_to_end(&mut stored).map_err(read)?;
    let text = if compressed {
        let mut text = Vec::with_capacity(capacity(member.sql_bytes));
        GzDecoder::new(stored.as_slice())
            .take(member.sql_bytes.saturating_add(1))
            .read_to_end(&mut text)
            .map_err(|error| changed().with_source(error))?;
        text
    } else {
        stored
    };
    let length = u64::try_from(text.len()).unwrap_or(u64::MAX);
    if length == member.sql_bytes && crc32fast::hash(&text) == member.crc32 {
        Ok(text)
    } else {
        Err(changed())
    }
}

fn capacity(bytes: u64) -> usize {
    usize::try_from(bytes.min(CAPACITY_LIMIT)).unwrap_or(0)
}
