//! Reads a whole backup and proves that every byte of it is as it was written.

use std::fs::File;
use std::io::{self, BufReader, Read, Seek as _, SeekFrom};
use std::path::Path;

use flate2::bufread::GzDecoder;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::footer::{Footer, Origin, foreign, origin, read_footer};
use super::member::Member;
use super::writer::hex;
use crate::context::Context;
use crate::error::{Error, ErrorKind, Result};
use crate::progress::Phase;

/// How much of a file is read, and how much text is inflated, at a time.
const CHUNK_BYTES: usize = 256 * 1024;

/// The result of a successful verification.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct VerifyReport {
    /// The length of the file in bytes.
    pub file_bytes: u64,
    /// The length of its SQL text in bytes.
    pub sql_bytes: u64,
    /// Its members, footer not counted.
    pub members: u64,
    /// Its objects.
    pub objects: u64,
    /// The rows of its tables.
    pub rows: u64,
    /// The SHA-256 of everything before the trailer, in hexadecimal.
    pub sha256: String,
}

/// Reads a whole backup made by this crate and checks it: footer, digest, and the length and
/// checksum of every member. Nothing is changed.
///
/// # Errors
/// - [`ErrorKind::Io`] if the file cannot be read.
/// - [`ErrorKind::Manifest`] if it is not a backup by this crate or its footer is missing or
///   damaged.
/// - [`ErrorKind::Digest`] if any byte is not what was written; the place is the member's offset.
/// - [`ErrorKind::Cancelled`], [`ErrorKind::TimedOut`] by the context.
///
/// # Cancel safety
/// Dropping the future stops the check within a moment; nothing is left behind.
#[tracing::instrument(skip_all, err(level = "debug"), fields(file = ?path.as_ref()))]
pub async fn verify(path: impl AsRef<Path>, context: &Context) -> Result<VerifyReport> {
    let path = path.as_ref().to_owned();
    let report = context.blocking(Phase::Check, move |context| verify_file(&path, context)).await?;
    let VerifyReport { members, rows, file_bytes, .. } = &report;
    tracing::info!(members, rows, bytes = file_bytes, "verified");
    Ok(report)
}

/// The check itself, for a thread that may block.
pub(crate) fn verify_file(path: &Path, context: &Context) -> Result<VerifyReport> {
    verify_file_with(path, context, &mut |_| {})
}

/// What a verification shows on its way.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Seen<'a> {
    /// SQL text of a member, before it is known whether it is right.
    Text(&'a [u8]),
    /// A member was right, and has ended.
    MemberEnd,
}

/// The same, which shows the SQL text of the members to `see` on the way.
pub(crate) fn verify_file_with(
    path: &Path,
    context: &Context,
    see: &mut dyn FnMut(Seen<'_>),
) -> Result<VerifyReport> {
    check_file(path, context, see)
        .map_err(|error| error.at(|place| place.file = Some(path.display().to_string())))
}

fn check_file(
    path: &Path,
    context: &Context,
    see: &mut dyn FnMut(Seen<'_>),
) -> Result<VerifyReport> {
    let read = |error| Error::io("could not read the backup", error);
    let mut file =
        File::open(path).map_err(|error| Error::io("could not open the backup", error))?;
    if origin(&mut file)? == Origin::Foreign {
        return Err(foreign(&mut file, "there is nothing to verify it against"));
    }
    let footer = read_footer(&mut file)?;
    context.counters().bytes_total.set(footer.file_bytes);
    file.seek(SeekFrom::Start(0)).map_err(read)?;

    let mut reader = DigestingReader {
        reader: BufReader::with_capacity(CHUNK_BYTES, file),
        digest: Sha256::new(),
    };
    let mut sql_bytes = 0u64;
    for member in &footer.index.members {
        check_member(&mut reader, member, footer.compressed, context, see)
            .map_err(|error| error.at(|place| place.byte = Some(member.offset)))?;
        see(Seen::MemberEnd);
        sql_bytes = sql_bytes.saturating_add(member.sql_bytes);
        context.counters().bytes_done.add(member.length);
    }
    // Manifest and index: their contents have been read, their bytes count for the digest.
    let rest = footer.digested_bytes().saturating_sub(footer.members_end());
    let copied = io::copy(&mut reader.by_ref().take(rest), &mut io::sink()).map_err(read)?;
    let sha256 = hex(&reader.digest.finalize());
    if copied != rest || sha256 != footer.sha256 {
        return Err(Error::new(
            ErrorKind::Digest,
            "the digest of the file is not the one in its trailer: the file was changed",
        ));
    }
    Ok(report(&footer, sql_bytes))
}

fn report(footer: &Footer, sql_bytes: u64) -> VerifyReport {
    let count = |length: usize| u64::try_from(length).unwrap_or(u64::MAX);
    VerifyReport {
        file_bytes: footer.file_bytes,
        sql_bytes,
        members: count(footer.index.members.len()),
        objects: count(footer.manifest.objects.len()),
        rows: footer.manifest.rows(),
        sha256: footer.sha256.clone(),
    }
}

/// Reads one member and compares its length and checksum with the index. Memory does not depend
/// on what the member claims to be, and no more is inflated than the index allows.
fn check_member(
    reader: &mut impl Read,
    member: &Member,
    compressed: bool,
    context: &Context,
    see: &mut dyn FnMut(Seen<'_>),
) -> Result<()> {
    let damaged = |message: &str| Error::new(ErrorKind::Digest, message);
    let mut stored = BufReader::with_capacity(CHUNK_BYTES, reader.take(member.length));
    let mut crc = crc32fast::Hasher::new();
    let mut bytes = 0u64;
    {
        let mut text: Box<dyn Read + '_> =
            if compressed { Box::new(GzDecoder::new(&mut stored)) } else { Box::new(&mut stored) };
        let mut chunk = vec![0; CHUNK_BYTES];
        loop {
            context.check()?;
            let read = text.read(&mut chunk).map_err(|error| match error.kind() {
                io::ErrorKind::InvalidInput
                | io::ErrorKind::InvalidData
                | io::ErrorKind::UnexpectedEof => {
                    damaged("a member of the file is damaged").with_source(error)
                }
                _ => Error::io("could not read the backup", error),
            })?;
            let Some(part) = chunk.get(..read).filter(|part| !part.is_empty()) else {
                break;
            };
            crc.update(part);
            see(Seen::Text(part));
            bytes = bytes.saturating_add(u64::try_from(read).unwrap_or(u64::MAX));
            if bytes > member.sql_bytes {
                return Err(damaged("a member of the file is longer than the index says"));
            }
        }
    }
    let unread = io::copy(&mut stored, &mut io::sink())
        .map_err(|error| Error::io("could not read the backup", error))?;
    if bytes != member.sql_bytes || crc.finalize() != member.crc32 || unread != 0 {
        return Err(damaged("a member of the file is not what the index says"));
    }
    Ok(())
}

/// Feeds everything it reads to the digest.
struct DigestingReader<R> {
    reader: R,
    digest: Sha256,
}

impl<R: Read> Read for DigestingReader<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let bytes = self.reader.read(buffer)?;
        self.digest.update(buffer.get(..bytes).unwrap_or_default());
        Ok(bytes)
    }
}
