//! The SQL text of a file of any origin, inflated where it is gzip.

use std::fs::File;
use std::io::{self, BufRead as _, BufReader, Read};
use std::path::Path;

use flate2::bufread::MultiGzDecoder;

/// How much of the file is read at a time.
const READ_BYTES: usize = 256 * 1024;

/// Reads the SQL text of a `.sql` or `.sql.gz` file. Which of the two it is, its bytes tell, not
/// its name: the two magic bytes of gzip cannot start a script.
///
/// A gzip file may have any number of members. The end of the text is reported only after the
/// checksum of the last member has been found right and no byte follows it.
#[derive(Debug)]
pub(crate) enum SqlReader {
    Plain(CountingReader),
    Gzip(Box<MultiGzDecoder<CountingReader>>),
}

impl SqlReader {
    pub(crate) fn open(path: &Path) -> io::Result<Self> {
        let mut reader = BufReader::with_capacity(READ_BYTES, File::open(path)?);
        let gzip = reader.fill_buf()?.starts_with(&[0x1f, 0x8b]);
        let reader = CountingReader { reader, bytes: 0 };
        Ok(if gzip {
            Self::Gzip(Box::new(MultiGzDecoder::new(reader)))
        } else {
            Self::Plain(reader)
        })
    }

    /// Bytes of the file read so far, compressed or not.
    pub(crate) fn file_bytes(&self) -> u64 {
        match self {
            Self::Plain(reader) => reader.bytes,
            Self::Gzip(decoder) => decoder.get_ref().bytes,
        }
    }
}

impl Read for SqlReader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Plain(reader) => reader.read(buffer),
            Self::Gzip(decoder) => decoder.read(buffer),
        }
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
