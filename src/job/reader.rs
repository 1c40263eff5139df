//! The bytes of a backup, for a download.

use std::fs::File;
use std::io::SeekFrom;
use std::ops::Range;
use std::time::SystemTime;

use bytes::{Bytes, BytesMut};
use futures::Stream;
use tokio::io::{AsyncReadExt as _, AsyncSeekExt as _};

use crate::error::{Error, Result};
use crate::store::{BackupDir, BackupName};

/// How much is read at a time.
const CHUNK_BYTES: usize = 256 * 1024;

/// A backup that is open for reading. Deleting it meanwhile does not disturb the reader.
#[derive(Debug)]
pub struct BackupReader {
    name: BackupName,
    file: tokio::fs::File,
    size_bytes: u64,
    modified: SystemTime,
    range: Range<u64>,
}

impl BackupReader {
    /// Opens a backup. Blocks.
    pub(super) fn open(
        directory: &BackupDir,
        name: BackupName,
        range: Option<Range<u64>>,
    ) -> Result<Self> {
        let read = |error| Error::io("could not read the backup", error);
        let file: File = directory.open_file(&name)?;
        let metadata = file.metadata().map_err(read)?;
        let size_bytes = metadata.len();
        let modified = metadata.modified().map_err(read)?;
        let file = tokio::fs::File::from_std(file);
        let whole = Self { name, file, size_bytes, modified, range: 0..size_bytes };
        match range {
            None => Ok(whole),
            Some(range) => whole.with_range(range),
        }
    }

    /// Narrows what will be read down to a range of bytes: the first, and the one after the last.
    ///
    /// # Errors
    /// [`ErrorKind::Config`](crate::ErrorKind::Config) if the backup has no such range.
    pub fn with_range(self, range: Range<u64>) -> Result<Self> {
        if range.start > range.end || range.end > self.size_bytes {
            return Err(no_range(&self.name, self.size_bytes));
        }
        Ok(Self { range, ..self })
    }

    /// The backup's name.
    #[must_use]
    pub const fn name(&self) -> &BackupName {
        &self.name
    }

    /// The length of the whole file in bytes.
    #[must_use]
    pub const fn size_bytes(&self) -> u64 {
        self.size_bytes
    }

    /// When the file was last written.
    #[must_use]
    pub const fn modified(&self) -> SystemTime {
        self.modified
    }

    /// The bytes that will be read: the first, and the one after the last.
    #[must_use]
    pub fn range(&self) -> Range<u64> {
        self.range.clone()
    }

    /// The bytes, in pieces of at most 256 KiB.
    ///
    /// # Errors
    /// An item is [`ErrorKind::Io`](crate::ErrorKind::Io) when the file cannot be read or has become shorter. It is the
    /// last one.
    pub fn into_stream(self) -> impl Stream<Item = Result<Bytes>> + Send + 'static {
        let Self { mut file, range, .. } = self;
        let start = async move {
            file.seek(SeekFrom::Start(range.start)).await?;
            Ok(Some((file, range.end - range.start)))
        };
        futures::stream::unfold(Next::Start(Box::pin(start)), |next| async move {
            let state = match next {
                Next::Start(start) => start.await,
                Next::Rest(file, left) => Ok(Some((file, left))),
                Next::End => Ok(None),
            };
            let (mut file, left) = match state {
                Ok(Some((_, 0)) | None) => return None,
                Ok(Some(state)) => state,
                Err(error) => return Some((Err(broken(error)), Next::End)),
            };
            let wanted = usize::try_from(left).unwrap_or(usize::MAX).min(CHUNK_BYTES);
            let mut chunk = BytesMut::with_capacity(wanted);
            let mut limited = (&mut file).take(wanted as u64);
            match limited.read_buf(&mut chunk).await {
                Ok(0) => Some((Err(broken(std::io::ErrorKind::UnexpectedEof.into())), Next::End)),
                Ok(read) => {
                    let left = left.saturating_sub(read as u64);
                    Some((Ok(chunk.freeze()), Next::Rest(file, left)))
                }
                Err(error) => Some((Err(broken(error)), Next::End)),
            }
        })
    }
}

fn no_range(name: &BackupName, size_bytes: u64) -> Error {
    let message = format!("the backup has {size_bytes} bytes, so it has no such range");
    Error::config(message).at(|place| place.file = Some(name.to_string()))
}

type Started = std::io::Result<Option<(tokio::fs::File, u64)>>;

/// What a stream does next.
enum Next<F: Future<Output = Started>> {
    Start(std::pin::Pin<Box<F>>),
    Rest(tokio::fs::File, u64),
    End,
}

fn broken(error: std::io::Error) -> Error {
    Error::io("could not read the backup", error)
}
