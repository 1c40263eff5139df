//! Where a restore reads from: a file, or anything else spooled to one first.

use std::io::Read as _;
use std::path::{Path, PathBuf};

use bytes::Bytes;
use tempfile::TempPath;
use tokio::io::{AsyncRead, AsyncWriteExt as _};
use tokio::sync::mpsc;

use crate::archive::{SqlReader, read_error};
use crate::context::Context;
use crate::error::{Error, ErrorKind, Result};
use crate::progress::Phase;

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
    /// A file that can be read again: a regular one.
    pub(crate) fn file(path: &Path) -> Self {
        Self { path: path.to_owned(), name: path.display().to_string(), _spooled: None }
    }

    /// What a path leads to. A pipe, a terminal or a socket gives its bytes only once, so these are
    /// copied first.
    pub(crate) async fn open(path: &Path, context: &Context) -> Result<Self> {
        // Whatever is not there, or may not be seen, the check says.
        let once =
            tokio::fs::metadata(path).await.is_ok_and(|data| !data.is_file() && !data.is_dir());
        if !once {
            return Ok(Self::file(path));
        }
        context.enter(Phase::Check);
        let name = path.display().to_string();
        let at_file = |error: Error| error.at(|place| place.file = Some(name.clone()));
        // A pipe opens when somebody writes into it.
        let file = context
            .run(tokio::fs::File::open(path))
            .await
            .and_then(|opened| opened.map_err(|error| Error::io("could not open the file", error)))
            .map_err(at_file)?;
        let source = Self::spool(file, context).await.map_err(at_file)?;
        Ok(Self { name, ..source })
    }

    /// Copies a stream into a temporary file that is gone when the source is.
    pub(crate) async fn spool(
        mut reader: impl AsyncRead + Unpin + Send,
        context: &Context,
    ) -> Result<Self> {
        let directory = std::env::temp_dir();
        let write = |error| {
            let place = directory.display();
            Error::io(
                format!("could not spool the input to a temporary file in '{place}' (TMPDIR)"),
                error,
            )
        };
        let (file, path) = tempfile::Builder::new()
            .prefix("snapdump-spool-")
            .tempfile_in(&directory)
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

    /// The text of the script, read and inflated ahead on a thread of its own; it may have `limit`
    /// times its stored length.
    pub(crate) fn text(&self, limit: u64) -> Text {
        let (sender, receiver) = mpsc::channel(CHUNKS_AHEAD);
        let path = self.path.clone();
        let span = tracing::Span::current();
        tokio::task::spawn_blocking(move || {
            let _entered = span.entered();
            tracing::trace!("reading a script");
            let failed = |error| Err(read_error(error));
            let mut reader = match SqlReader::open(&path, limit) {
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

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[tokio::test]
    async fn spooled_input_is_its_owners_alone_and_goes_with_the_source() {
        let source = Source::spool(&b"SELECT 1;"[..], &Context::new()).await.unwrap();
        let path = source.path().to_owned();
        assert_eq!(std::fs::read(&path).unwrap(), b"SELECT 1;");
        assert_eq!(path.metadata().unwrap().permissions().mode() & 0o7777, 0o600);
        drop(source);
        assert!(!path.exists());
    }
}
