//! The SQL text of a file of any origin, inflated where it is compressed.

use std::fs::File;
use std::io::{self, BufRead as _, BufReader, Read};
use std::path::Path;

use flate2::bufread::MultiGzDecoder;

use crate::error::{Error, ErrorKind};

/// How much of the file is read at a time.
const READ_BYTES: usize = 256 * 1024;

/// How many times its stored length a compressed text may have, unless an option says otherwise.
/// Nothing in gzip reaches this (its limit is 1,032); a zstd frame can say 30,000 times as much as
/// it has.
pub(crate) const INFLATION_LIMIT: u64 = 1100;
/// How much text is inflated whatever the limit says, in bytes.
const INFLATION_FREE: u64 = 64 << 20;

/// How a file is stored, by its first bytes. Its name does not count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Storage {
    Plain,
    Gzip,
    Zstd,
}

impl Storage {
    /// What can start no script: the two magic bytes of gzip, and the four of a zstd frame or of a
    /// frame to be skipped, which some tools put first.
    pub(crate) fn of(start: &[u8]) -> Self {
        match start {
            [0x1f, 0x8b, ..] => Self::Gzip,
            [0x28, 0xb5, 0x2f, 0xfd, ..] | [0x50..=0x5f, 0x2a, 0x4d, 0x18, ..] => Self::Zstd,
            _ => Self::Plain,
        }
    }
}

/// What is wrong with a compressed text apart from damage.
#[derive(Debug, thiserror::Error)]
enum InflateError {
    #[error(
        "the file is compressed by zstd, which this build does not read: build it with the feature \
         `zstd`, or unpack the file first"
    )]
    #[cfg_attr(feature = "zstd", allow(dead_code, reason = "only other builds refuse zstd"))]
    NoZstd,
    #[error(
        "the first {stored} bytes of the file inflate to more than {limit} times as much, as only \
         a file does that is made to fill disks and memory; allow more (with_inflation_limit) if it \
         is meant to be"
    )]
    TooMuch {
        /// Bytes of the file.
        stored: u64,
        /// How many times as much is allowed.
        limit: u64,
    },
}

impl From<InflateError> for io::Error {
    fn from(error: InflateError) -> Self {
        let kind = match error {
            InflateError::NoZstd => io::ErrorKind::Unsupported,
            InflateError::TooMuch { .. } => io::ErrorKind::InvalidData,
        };
        Self::new(kind, error)
    }
}

/// Tells apart a file that cannot be read and one that is damaged.
pub(crate) fn read_error(error: io::Error) -> Error {
    use io::ErrorKind as Io;
    let cause = error.get_ref().and_then(|cause| cause.downcast_ref::<InflateError>());
    match (cause, error.kind()) {
        (Some(cause @ InflateError::NoZstd), _) => {
            Error::new(ErrorKind::Unsupported, cause.to_string())
        }
        (Some(cause @ InflateError::TooMuch { .. }), _) => {
            Error::new(ErrorKind::Codec, cause.to_string())
        }
        (None, Io::InvalidInput | Io::InvalidData | Io::UnexpectedEof) => Error::new(
            ErrorKind::Codec,
            "the file is damaged or cut off: its compressed data is not whole",
        )
        .with_source(error),
        _ => Error::io("could not read the file", error),
    }
}

/// Reads the SQL text of a `.sql`, `.sql.gz` or `.sql.zst` file.
///
/// A compressed file may have any number of gzip members or zstd frames. The end of the text is
/// reported only after the checksum of the last one has been found right and no byte follows it.
/// zstd frames may lack a checksum; [`checksums`](Self::checksums) tells.
pub(crate) struct SqlReader {
    text: Text,
    /// How much text has been read, in bytes.
    bytes: u64,
    limit: u64,
    checksums: bool,
}

enum Text {
    Plain(CountingReader),
    Gzip(Box<MultiGzDecoder<CountingReader>>),
    #[cfg(feature = "zstd")]
    Zstd(Box<zstd::Decoder<'static, CountingReader>>),
}

impl SqlReader {
    /// Opens a file, whose text may have `limit` times its stored length.
    pub(crate) fn open(path: &Path, limit: u64) -> io::Result<Self> {
        let mut reader = BufReader::with_capacity(READ_BYTES, File::open(path)?);
        let start = reader.fill_buf()?;
        let storage = Storage::of(start);
        // The descriptor of the first frame, behind its magic number: bit 2 says whether a checksum
        // of the text follows it.
        let checksums = storage != Storage::Zstd
            || start.get(4).is_some_and(|descriptor| descriptor & 4 != 0)
            || !start.starts_with(&[0x28]);
        let reader = CountingReader { reader, bytes: 0 };
        let text = match storage {
            Storage::Plain => Text::Plain(reader),
            Storage::Gzip => Text::Gzip(Box::new(MultiGzDecoder::new(reader))),
            #[cfg(feature = "zstd")]
            Storage::Zstd => Text::Zstd(Box::new(zstd::Decoder::with_buffer(reader)?)),
            #[cfg(not(feature = "zstd"))]
            Storage::Zstd => return Err(InflateError::NoZstd.into()),
        };
        Ok(Self { text, bytes: 0, limit, checksums })
    }

    /// Bytes of the file read so far, compressed or not.
    pub(crate) fn file_bytes(&self) -> u64 {
        match &self.text {
            Text::Plain(reader) => reader.bytes,
            Text::Gzip(decoder) => decoder.get_ref().bytes,
            #[cfg(feature = "zstd")]
            Text::Zstd(decoder) => decoder.get_ref().bytes,
        }
    }

    /// Whether a compressed file has checksums of its text, as far as its start tells; `true` for
    /// one that is not compressed.
    pub(crate) const fn checksums(&self) -> bool {
        self.checksums
    }
}

impl Read for SqlReader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = match &mut self.text {
            Text::Plain(reader) => return reader.read(buffer),
            Text::Gzip(decoder) => decoder.read(buffer)?,
            #[cfg(feature = "zstd")]
            Text::Zstd(decoder) => decoder.read(buffer).map_err(|error| match error.kind() {
                // What the decoder itself finds wrong; a failure to read has a number.
                io::ErrorKind::Other if error.raw_os_error().is_none() => {
                    io::Error::new(io::ErrorKind::InvalidData, error)
                }
                _ => error,
            })?,
        };
        self.bytes = self.bytes.saturating_add(u64::try_from(read).unwrap_or(u64::MAX));
        let stored = self.file_bytes();
        if self.bytes > INFLATION_FREE && self.bytes > stored.saturating_mul(self.limit) {
            return Err(InflateError::TooMuch { stored, limit: self.limit }.into());
        }
        Ok(read)
    }
}

/// Counts the bytes taken from a file.
#[derive(Debug)]
pub(crate) struct CountingReader {
    reader: BufReader<File>,
    bytes: u64,
}

impl Read for CountingReader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let bytes = self.reader.read(buffer)?;
        self.bytes += u64::try_from(bytes).unwrap_or(u64::MAX);
        Ok(bytes)
    }
}

impl io::BufRead for CountingReader {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        self.reader.fill_buf()
    }

    fn consume(&mut self, amount: usize) {
        self.bytes += u64::try_from(amount).unwrap_or(u64::MAX);
        self.reader.consume(amount);
    }
}
