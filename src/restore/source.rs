//! Where a restore reads from: a file, or anything else spooled to one first.

use std::io::Read as _;
use std::path::{Path, PathBuf};

use bytes::Bytes;
use tempfile::TempPath;
use tokio::io::{AsyncRead, AsyncWriteExt as _};
use tokio::sync::mpsc;

use crate::archive::SqlReader;
use crate::context::Context;
use crate::error::{Error, ErrorKind, Result};

/// How much text is handed over at a time.
const CHUNK_BYTES: usize = 256 * 1024;
/// How many pieces may wait between the thread that inflates and the task that splits.
const CHUNKS_AHEAD: usize = 4;

/// A script that can be read more than once, because it is checked before it is replayed.
#[derive(Debug)]
pub(crate) struct Source {
    path: PathBuf,
    name: String,
    /// Removes the file when the source is dropped.
    _spooled: Option<TempPath>,
}

impl Source {
    pub(crate) fn file(path: &Path) -> Self {
        Self { path: path.to_owned(), name: path.display().to_string(), _spooled: None }
    }

    /// Copies a stream into a temporary file that is gone when the source is.
    pub(crate) async fn spool(
        mut reader: impl AsyncRead + Unpin + Send,
        context: &Context,
    ) -> Result<Self> {
        let write = |error| Error::io("could not spool the input to a temporary file", error);
        let (file, path) = tempfile::Builder::new()
            .prefix("snapdump-spool-")
            .tempfile()
            .map_err(write)?
            .into_parts();
        let mut file = tokio::fs::File::from_std(file);
        context
            .run(async {
                tokio::io::copy(&mut reader, &mut file).await?;
                file.flush().await
            })
            .await?
            .map_err(write)?;
        Ok(Self { path: path.to_path_buf(), name: "the input".to_owned(), _spooled: Some(path) })
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// What messages call it.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// The text of the script, read and inflated ahead on a thread of its own.
    pub(crate) fn text(&self) -> Text {
        let (sender, receiver) = mpsc::channel(CHUNKS_AHEAD);
        let path = self.path.clone();
        tokio::task::spawn_blocking(move || {
            let failed = |error| Err(read_error(error));
            let mut reader = match SqlReader::open(&path) {
                Ok(reader) => reader,
                Err(error) => return drop(sender.blocking_send(failed(error))),
            };
            loop {
                let mut chunk = vec![0; CHUNK_BYTES];
                let read = match reader.read(&mut chunk) {
                    // The end is said, not left to be guessed from a closed channel: that is also
                    // what a thread that died leaves behind.
                    Ok(0) => return drop(sender.blocking_send(Ok(None))),
                    Ok(read) => read,
                    Err(error) => return drop(sender.blocking_send(failed(error))),
                };
                chunk.truncate(read);
                let chunk = Chunk { text: chunk.into(), file_bytes: reader.file_bytes() };
                // The receiver is gone: the restore ended early.
                if sender.blocking_send(Ok(Some(chunk))).is_err() {
                    return;
                }
            }
        });
        Text { receiver }
    }
}

/// Tells apart a file that cannot be read and one that is damaged.
pub(super) fn read_error(error: std::io::Error) -> Error {
    use std::io::ErrorKind as Io;
    match error.kind() {
        Io::InvalidInput | Io::InvalidData | Io::UnexpectedEof => Error::new(
            ErrorKind::Codec,
            "the file is damaged or cut off: its gzip data is not whole",
        )
        .with_source(error),
        _ => Error::io("could not read the file", error),
    }
}

/// A piece of a script's text.
#[derive(Debug)]
pub(crate) struct Chunk {
    pub(crate) text: Bytes,
    /// How much of the file has been read up to here, in bytes.
    pub(crate) file_bytes: u64,
}

/// The pieces of a script's text, in order.
#[derive(Debug)]
pub(crate) struct Text {
    receiver: mpsc::Receiver<Result<Option<Chunk>>>,
}

impl Text {
    /// The next piece, or `None` at the end.
    pub(crate) async fn next(&mut self) -> Result<Option<Chunk>> {
        self.receiver.recv().await.unwrap_or_else(|| {
            Err(Error::new(ErrorKind::Internal, "the thread that reads the file is gone"))
        })
    }
}
