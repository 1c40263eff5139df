//! Every change of the file system passes here before it is made, so that a test can let each one
//! fail, and see what a crash between any two would leave.

use std::io;
use std::path::Path;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::AsyncWrite;

/// A change that is about to be made to something in a directory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    Create,
    Write,
    /// The bytes of a file are made durable.
    Sync,
    /// A file gets its name, or a link is made or moved.
    Rename,
    Remove,
    /// The names in a directory are made durable.
    SyncDirectory,
}

/// Says that a step is about to be taken at a path, and fails if it is to fail.
#[cfg(not(test))]
#[inline]
#[expect(clippy::unnecessary_wraps, reason = "in tests it can fail")]
pub(super) fn about_to(_: Step, _: &Path) -> io::Result<()> {
    Ok(())
}

#[cfg(test)]
pub(super) use super::crash::about_to;

/// Writes into a staged file.
pub(super) struct StagedWriter<'a> {
    pub(super) file: &'a mut tokio::fs::File,
    pub(super) path: &'a Path,
}

impl AsyncWrite for StagedWriter<'_> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        waker: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        about_to(Step::Write, self.path)?;
        Pin::new(&mut self.file).poll_write(waker, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, waker: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.file).poll_flush(waker)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, waker: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.file).poll_shutdown(waker)
    }
}
