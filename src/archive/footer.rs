//! The end of a file: manifest, index and trailer as SQL comments, and how they are found again.

use std::fs::File;
use std::io::{BufReader, Read, Seek, SeekFrom};
use std::path::Path;

use flate2::bufread::GzDecoder;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::inflate::Storage;
use super::manifest::Manifest;
use super::member::Index;
use super::{FORMAT_VERSION, SIGNATURE};
use crate::error::{Error, ErrorKind, Result};

pub(super) const MANIFEST_PREFIX: &str = "-- manifest ";
pub(super) const INDEX_PREFIX: &str = "-- index ";
const TRAILER_PREFIX: &str = "-- snapdump trailer ";

/// Bytes of JSON on one comment line. Some clients send each comment line to the server as a
/// statement of its own, so a line must fit any `max_allowed_packet` (its minimum is 1024).
const LINE_BYTES: usize = 900;

/// The trailer's text, line break included.
const TRAILER_TEXT_BYTES: usize = TRAILER_TEXT_LENGTH as usize;
/// The same, as the header of a stored block has it.
const TRAILER_TEXT_LENGTH: u16 = 256;
/// A gzip header without time, name or system.
const GZIP_HEADER: [u8; 10] = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255];
/// gzip header, header of one stored block, the text, CRC and length.
const TRAILER_GZIP_BYTES: usize = GZIP_HEADER.len() + 5 + TRAILER_TEXT_BYTES + 8;

/// The most that a manifest or an index may inflate to. A million tables need about 100 MB.
const FOOTER_TEXT_LIMIT: u64 = 1 << 30;
/// How many times its stored length it may inflate to, whatever that is; ours inflate to about 15
/// times. A small file can so never take much memory.
const FOOTER_RATIO_LIMIT: u64 = 100;
/// What it may inflate to however short it is, in bytes.
const FOOTER_TEXT_FREE: u64 = 64 * 1024;
/// The most text that a member can have: the largest row there is in hexadecimal, and what is before
/// it.
const MEMBER_TEXT_LIMIT: u64 = 3 << 30;

/// The manifest and the index of a file.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Footer {
    /// What the file holds and where it came from.
    pub manifest: Manifest,
    /// Where everything stands in it.
    pub index: Index,
    /// The length of the whole file in bytes.
    pub file_bytes: u64,
    /// Whether the members are gzip members (otherwise plain text).
    pub compressed: bool,
    /// The SHA-256 of everything before the trailer, as the trailer has it, in hexadecimal.
    pub sha256: String,
}

impl Footer {
    /// The bytes that the digest covers: everything before the trailer.
    pub(super) fn digested_bytes(&self) -> u64 {
        self.file_bytes.saturating_sub(trailer_bytes(self.compressed))
    }

    /// Where the manifest starts, which is where the last member of the index ends.
    pub(super) fn members_end(&self) -> u64 {
        self.index.members.last().map_or(0, |member| member.offset.saturating_add(member.length))
    }
}

/// Reads the manifest and the index of a backup from the end of the file, and its first bytes,
/// without reading the rest: quick, whatever the size. It proves that the file was finished, not that its middle is
/// undamaged; [`verify`](super::verify()) proves that. It blocks on the file.
///
/// # Errors
/// - [`ErrorKind::Io`] if the file cannot be read.
/// - [`ErrorKind::Manifest`] if it is not a backup by this crate, has no footer (then it is a
///   fragment of one), has a damaged one, or is of a newer format.
pub fn inspect(path: impl AsRef<Path>) -> Result<Footer> {
    let path = path.as_ref();
    let at_file = |error: Error| error.at(|place| place.file = Some(path.display().to_string()));
    let mut file =
        File::open(path).map_err(|error| at_file(Error::io("could not open the backup", error)))?;
    match inspect_file(&mut file).map_err(at_file)? {
        Some(footer) => Ok(footer),
        None => Err(at_file(foreign(&mut file, "it has no manifest"))),
    }
}

/// The error for a file that another tool has written, where only our own will do.
pub(super) fn foreign(file: &mut (impl Read + Seek), so: &str) -> Error {
    let mut start = [0; 4];
    let read = file.seek(SeekFrom::Start(0)).and_then(|_| file.read_exact(&mut start));
    let why = match read.map(|()| Storage::of(&start)) {
        Ok(Storage::Zstd) => {
            "the file is compressed by zstd, as no backup by snapdump is: unpack it, and try again \
             with what is inside; as it is, "
        }
        _ => "this is not a backup made by snapdump, so ",
    };
    damaged(format!("{why}{so}"))
}

/// The same for a file that is open; `None` for one that this crate did not write.
pub(crate) fn inspect_file(file: &mut (impl Read + Seek)) -> Result<Option<Footer>> {
    match origin(file)? {
        Origin::Snapdump => read_footer(file).map(Some),
        Origin::Foreign => Ok(None),
    }
}

/// Who wrote a file, by its first bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Origin {
    /// This crate, in whatever version of the format.
    Snapdump,
    /// Anyone else.
    Foreign,
}

/// Tells by the first bytes of the text, compressed or not, whether this crate wrote a file; or by
/// the last ones, because a file whose start is damaged must not pass for another tool's, which
/// would be restored without a digest to check it against.
pub(crate) fn origin(file: &mut (impl Read + Seek)) -> Result<Origin> {
    if starts_like_ours(file)? || ends_like_ours(file)? {
        Ok(Origin::Snapdump)
    } else {
        Ok(Origin::Foreign)
    }
}

fn starts_like_ours(file: &mut (impl Read + Seek)) -> Result<bool> {
    let read = |error| Error::io("could not read the start of the file", error);
    file.seek(SeekFrom::Start(0)).map_err(read)?;
    let mut start = Vec::new();
    file.by_ref().take(4096).read_to_end(&mut start).map_err(read)?;
    file.seek(SeekFrom::Start(0)).map_err(read)?;
    let mut text = [0; SIGNATURE.len()];
    let known = if start.starts_with(&[0x1f, 0x8b]) {
        // Anything that does not even inflate is not ours; the whole check says what is wrong.
        GzDecoder::new(start.as_slice()).read_exact(&mut text).is_ok()
    } else {
        start.as_slice().read_exact(&mut text).is_ok()
    };
    Ok(known && text == *SIGNATURE.as_bytes())
}

fn ends_like_ours(file: &mut (impl Read + Seek)) -> Result<bool> {
    let (_, tail) = read_tail(file)?;
    let text = tail.len().checked_sub(TRAILER_TEXT_BYTES).and_then(|at| tail.get(at..));
    // The text of a gzip trailer is stored, so it stands there as it is.
    let stored = tail.get(GZIP_HEADER.len() + 5..);
    let ours = |text: &[u8]| text.starts_with(TRAILER_PREFIX.as_bytes());
    let whole = tail.len() == TRAILER_GZIP_BYTES;
    Ok(text.is_some_and(ours) || (whole && stored.is_some_and(ours)))
}

/// The length of a file, and as many of its last bytes as the longer form of the trailer has.
fn read_tail(file: &mut (impl Read + Seek)) -> Result<(u64, Vec<u8>)> {
    let read = |error| Error::io("could not read the end of the file", error);
    let file_bytes = file.seek(SeekFrom::End(0)).map_err(read)?;
    let tail_bytes = file_bytes.min(trailer_bytes(true));
    file.seek(SeekFrom::Start(file_bytes - tail_bytes)).map_err(read)?;
    let mut tail = Vec::new();
    file.by_ref().take(tail_bytes).read_to_end(&mut tail).map_err(read)?;
    Ok((file_bytes, tail))
}

const fn trailer_bytes(compressed: bool) -> u64 {
    if compressed { TRAILER_GZIP_BYTES as u64 } else { TRAILER_TEXT_BYTES as u64 }
}

fn damaged(message: impl Into<String>) -> Error {
    Error::new(ErrorKind::Manifest, message)
}

/// Reads and checks the footer of a file that this crate wrote.
pub(super) fn read_footer(file: &mut (impl Read + Seek)) -> Result<Footer> {
    let read = |error| Error::io("could not read the end of the file", error);
    let (file_bytes, tail) = read_tail(file)?;
    let (trailer, compressed) = Trailer::parse(&tail)?;
    let trailer_at = file_bytes.saturating_sub(trailer_bytes(compressed));
    if !(trailer.manifest_at < trailer.index_at
        && trailer.index_at < trailer.end
        && trailer.end == trailer_at)
    {
        return Err(damaged(format!(
            "the trailer describes a file of {} bytes, not one of {file_bytes}: something was \
             cut out of it or added to it",
            trailer.end.saturating_add(trailer_bytes(compressed))
        )));
    }
    let mut json = |from: u64, to: u64, prefix| -> Result<Vec<u8>> {
        file.seek(SeekFrom::Start(from)).map_err(read)?;
        let stored = to.saturating_sub(from);
        let mut member = BufReader::new(file.by_ref().take(stored));
        let limit = stored.saturating_mul(FOOTER_RATIO_LIMIT).max(FOOTER_TEXT_FREE);
        let limit = limit.min(FOOTER_TEXT_LIMIT);
        let mut text = Vec::new();
        let read_text = if compressed {
            GzDecoder::new(&mut member).take(limit + 1).read_to_end(&mut text)
        } else {
            (&mut member).take(limit + 1).read_to_end(&mut text)
        };
        let bytes = read_text.map_err(|error| match error.raw_os_error() {
            // The disk, not what is on it.
            Some(_) => read(error),
            None => damaged("the footer is damaged").with_source(error),
        })?;
        if u64::try_from(bytes).unwrap_or(u64::MAX) > limit {
            return Err(damaged(format!(
                "the footer is damaged: {stored} bytes of it inflate to more than {limit}"
            )));
        }
        json_of(prefix, &text)
    };
    let manifest_json = json(trailer.manifest_at, trailer.index_at, MANIFEST_PREFIX)?;
    let index_json = json(trailer.index_at, trailer.end, INDEX_PREFIX)?;
    let footer = Footer {
        manifest: parse(&manifest_json, "manifest")?,
        index: parse(&index_json, "index")?,
        file_bytes,
        compressed,
        sha256: trailer.sha256,
    };
    if footer.manifest.format != FORMAT_VERSION {
        return Err(damaged(format!(
            "the file is of format {}, and this version of snapdump reads format \
             {FORMAT_VERSION}: use a newer one",
            footer.manifest.format
        )));
    }
    check_index(&footer, trailer.manifest_at)?;
    Ok(footer)
}

/// The members must follow one another without a gap from the first byte to the manifest, and
/// name only objects and databases of the manifest.
fn check_index(footer: &Footer, manifest_at: u64) -> Result<()> {
    let objects = footer.manifest.objects.len();
    let databases = footer.manifest.databases.len();
    let mut next = 0u64;
    for (number, member) in footer.index.members.iter().enumerate() {
        let inside = |position: u32, length| usize::try_from(position).is_ok_and(|at| at < length);
        if member.offset != next
            || member.length == 0
            || member.sql_bytes > MEMBER_TEXT_LIMIT
            || (!footer.compressed && member.length != member.sql_bytes)
            || !member.parts.iter().all(|part| inside(part.object, objects))
            || !member.database.is_none_or(|database| inside(database, databases))
        {
            return Err(damaged(format!("entry {number} of the index contradicts the file")));
        }
        next = next.saturating_add(member.length);
    }
    if next == manifest_at {
        Ok(())
    } else {
        Err(damaged("the index does not cover the whole file"))
    }
}

/// A JSON value as SQL comment lines, each starting with `prefix`.
pub(super) fn comment_lines(prefix: &str, value: &impl Serialize) -> Result<Vec<u8>> {
    let json = serde_json::to_string(value).map_err(|error| {
        Error::new(ErrorKind::Internal, "could not write the footer").with_source(error)
    })?;
    // ASCII only: then no client reads a line differently under its own character set, and a
    // line may be cut anywhere.
    let mut ascii = Vec::with_capacity(json.len());
    for c in json.chars() {
        if c.is_ascii() && c != '\x7f' {
            ascii.extend(u8::try_from(c));
        } else {
            let mut units = [0; 2];
            for unit in c.encode_utf16(&mut units) {
                ascii.extend_from_slice(format!("\\u{unit:04x}").as_bytes());
            }
        }
    }
    let mut text = Vec::with_capacity(ascii.len() + ascii.len() / 50 + 64);
    for line in ascii.chunks(LINE_BYTES) {
        text.extend_from_slice(prefix.as_bytes());
        text.extend_from_slice(line);
        text.push(b'\n');
    }
    Ok(text)
}

fn json_of(prefix: &str, text: &[u8]) -> Result<Vec<u8>> {
    let mut json = Vec::with_capacity(text.len());
    for line in text.split_inclusive(|&byte| byte == b'\n') {
        let piece = line
            .strip_prefix(prefix.as_bytes())
            .and_then(|line| line.strip_suffix(b"\n"))
            .ok_or_else(|| damaged("the footer is damaged: a line is not one of its own"))?;
        json.extend_from_slice(piece);
    }
    Ok(json)
}

fn parse<T: DeserializeOwned>(json: &[u8], what: &str) -> Result<T> {
    serde_json::from_slice(json)
        .map_err(|error| damaged(format!("the {what} is damaged")).with_source(error))
}

/// The last bytes of a file: where the footer stands and what the digest of the rest is.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Trailer {
    pub(super) manifest_at: u64,
    pub(super) index_at: u64,
    /// Where the trailer itself starts.
    pub(super) end: u64,
    pub(super) sha256: String,
}

impl Trailer {
    pub(super) fn bytes(&self, compressed: bool) -> Vec<u8> {
        let mut text = format!(
            "{TRAILER_PREFIX}{FORMAT_VERSION} manifest {} index {} end {} sha256 {}",
            self.manifest_at, self.index_at, self.end, self.sha256
        )
        .into_bytes();
        // The longest numbers leave room to spare, so nothing is ever cut off here.
        text.resize(TRAILER_TEXT_BYTES - 1, b' ');
        text.push(b'\n');
        if !compressed {
            return text;
        }
        // A stored block, so that the trailer is of one size and readable in a hex viewer.
        let length = TRAILER_TEXT_LENGTH;
        let mut member = Vec::with_capacity(TRAILER_GZIP_BYTES);
        member.extend_from_slice(&GZIP_HEADER);
        member.push(1);
        member.extend_from_slice(&length.to_le_bytes());
        member.extend_from_slice(&(!length).to_le_bytes());
        member.extend_from_slice(&text);
        member.extend_from_slice(&crc32fast::hash(&text).to_le_bytes());
        member.extend_from_slice(&u32::from(length).to_le_bytes());
        member
    }

    /// Finds the trailer in the last bytes of a file, and tells whether it is compressed.
    fn parse(tail: &[u8]) -> Result<(Self, bool)> {
        let missing = || {
            damaged(
                "the file has no footer: it is a fragment of a backup that was never finished or \
                 was cut off, and cannot be restored",
            )
        };
        let last = |bytes: usize| tail.len().checked_sub(bytes).and_then(|at| tail.get(at..));
        let plain = |text: &[u8]| text.starts_with(TRAILER_PREFIX.as_bytes());
        let (text, compressed) = match (last(TRAILER_GZIP_BYTES), last(TRAILER_TEXT_BYTES)) {
            (Some(member), _) if member.starts_with(&GZIP_HEADER) => {
                let mut text = Vec::new();
                GzDecoder::new(member)
                    .take(TRAILER_TEXT_BYTES as u64 + 1)
                    .read_to_end(&mut text)
                    .map_err(|error| damaged("the trailer is damaged").with_source(error))?;
                (text, true)
            }
            (_, Some(text)) => (text.to_vec(), false),
            _ => return Err(missing()),
        };
        if !plain(&text) {
            return Err(missing());
        }
        let text = std::str::from_utf8(&text).map_err(|_| damaged("the trailer is damaged"))?;
        let mut words = text.trim_start_matches(TRAILER_PREFIX).split_ascii_whitespace();
        let version = words.next().unwrap_or_default();
        if version != FORMAT_VERSION.to_string() {
            return Err(damaged(format!(
                "the file is of format {version}, and this version of snapdump reads format \
                 {FORMAT_VERSION}: use a newer one"
            )));
        }
        let mut field = |name: &str| -> Result<&str> {
            (words.next() == Some(name))
                .then(|| words.next())
                .flatten()
                .ok_or_else(|| damaged(format!("the trailer is damaged: no field {name}")))
        };
        let number = |text: &str| {
            text.parse::<u64>().map_err(|_| damaged("the trailer is damaged: not a number"))
        };
        let trailer = Self {
            manifest_at: number(field("manifest")?)?,
            index_at: number(field("index")?)?,
            end: number(field("end")?)?,
            sha256: field("sha256")?.to_owned(),
        };
        // The digest does not cover the trailer itself, so not one byte of it may be different.
        if !tail.ends_with(&trailer.bytes(compressed)) {
            return Err(damaged("the trailer is damaged: it is not as it was written"));
        }
        Ok((trailer, compressed))
    }
}
