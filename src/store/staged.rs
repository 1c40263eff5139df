//! A file that appears under its name only when it is whole.

use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, Write as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use tempfile::{NamedTempFile, TempPath};
use tokio::io::{AsyncWrite, AsyncWriteExt as _};

use super::disk::{StagedWriter, Step, about_to};
use crate::context::Context;
use crate::error::{Error, ErrorKind, Result};

/// What the names of unfinished files begin and end with.
const PREFIX: &str = ".snapdump-";
const SUFFIX: &str = ".partial";

/// A file being written next to its final name. Dropped without [`publish`](Self::publish) it is
/// removed.
pub(crate) struct StagedFile {
    file: tokio::fs::File,
    staged: TempPath,
    path: PathBuf,
    overwrite: bool,
}

impl StagedFile {
    /// Creates an empty file, readable by its owner only, in the directory of `path`.
    pub(crate) async fn create(path: &Path, overwrite: bool, context: &Context) -> Result<Self> {
        let path = path.to_owned();
        let work = move || {
            // Found out now rather than after hours of dumping; publishing checks it again.
            if !overwrite && path.symlink_metadata().is_ok() {
                return Err(exists());
            }
            if path.file_name().is_none() || path.is_dir() {
                return Err(Error::config("the output is a directory, not a file"));
            }
            let (file, staged) = create_partial(&path)
                .map_err(|error| Error::io("could not create a file in the directory", error))?
                .into_parts();
            // Says that the file has a living writer. On a file system without locks nobody can
            // tell, and nobody then removes it.
            if let Err(error) = file.try_lock() {
                tracing::debug!(%error, "could not lock an unfinished file");
            }
            Ok(Self { file: tokio::fs::File::from_std(file), staged, path, overwrite })
        };
        let span = tracing::Span::current();
        let work = move || span.in_scope(work);
        context.run(tokio::task::spawn_blocking(work)).await?.map_err(panicked)?
    }

    /// Where to write.
    pub(crate) fn writer(&mut self) -> impl AsyncWrite + Unpin + Send {
        StagedWriter { file: &mut self.file, path: &self.staged }
    }

    /// Gives the file its name, after its bytes are on the disk; then makes the name durable.
    pub(crate) async fn publish(mut self, context: &Context) -> Result<()> {
        let write = |error| Error::io("could not write the file to the disk", error);
        context.run(self.file.flush()).await?.map_err(write)?;
        about_to(Step::Sync, &self.staged).map_err(write)?;
        context.run(self.file.sync_all()).await?.map_err(write)?;
        let file = self.file.into_std().await;
        let (staged, path, overwrite) = (self.staged, self.path, self.overwrite);
        // From here to the end is one step that cannot be cancelled half-way.
        let work = move || {
            let is_ours = is_at(&file, &staged);
            close(file, &staged).map_err(write)?;
            // Whoever may write to the directory may have put something else there, such as a link,
            // which would get the name of a backup.
            if !is_ours.map_err(|error| Error::io("could not give the file its name", error))? {
                return Err(replaced());
            }
            let renamed = about_to(Step::Rename, &path).and_then(|()| {
                let renamed =
                    if overwrite { staged.persist(&path) } else { staged.persist_noclobber(&path) };
                renamed.map_err(|error| error.error)
            });
            renamed.map_err(|error| match error.kind() {
                io::ErrorKind::AlreadyExists => exists(),
                _ => Error::io("could not give the file its name", error),
            })?;
            sync_directory(&directory_of(&path))
        };
        tokio::task::spawn_blocking(work).await.map_err(panicked)?
    }
}

/// Replaces a small file in one step that survives a crash: it holds the old bytes or the new ones.
pub(crate) fn replace_file(path: &Path, bytes: &[u8]) -> Result<()> {
    let write = |error| Error::io("could not write the file to the disk", error);
    let directory = directory_of(path);
    let mut file = create_partial(path)
        .map_err(|error| Error::io("could not create a file in the directory", error))?;
    about_to(Step::Write, file.path()).and_then(|()| file.write_all(bytes)).map_err(write)?;
    about_to(Step::Sync, file.path()).and_then(|()| file.as_file().sync_all()).map_err(write)?;
    about_to(Step::Rename, path)
        .and_then(|()| file.persist(path).map(drop).map_err(|error| error.error))
        .map_err(|error| Error::io("could not give the file its name", error))?;
    sync_directory(&directory)
}

/// An empty file beside `path`, readable by its owner only, that is removed when it is dropped.
fn create_partial(path: &Path) -> io::Result<NamedTempFile> {
    about_to(Step::Create, path)?;
    tempfile::Builder::new().prefix(PREFIX).suffix(SUFFIX).tempfile_in(directory_of(path))
}

/// Makes the names in a directory durable.
pub(super) fn sync_directory(path: &Path) -> Result<()> {
    about_to(Step::SyncDirectory, path)
        .and_then(|()| File::open(path)?.sync_all())
        .map_err(|error| Error::io("could not write the directory to the disk", error))
}

/// Whether a file is one that was never finished, or is not yet.
pub(super) fn is_partial(name: &OsStr) -> bool {
    name.to_str().is_some_and(|name| name.starts_with(PREFIX) && name.ends_with(SUFFIX))
}

/// An unused path for something unfinished in a directory.
pub(super) fn partial_path(directory: &Path) -> PathBuf {
    directory.join(format!("{PREFIX}{}{SUFFIX}", uuid::Uuid::now_v7()))
}

/// Closes a file and reports what the drop of a file would hide. The standard library has no
/// close that reports, so the last chance to hear of a lost write is this second sync.
fn close(file: File, path: &Path) -> io::Result<()> {
    about_to(Step::Sync, path)?;
    let synced = file.sync_all();
    drop(file);
    synced
}

/// Whether a path leads to this file, and not by a link.
fn is_at(file: &File, path: &Path) -> io::Result<bool> {
    let (ours, there) = (file.metadata()?, path.symlink_metadata()?);
    Ok((ours.dev(), ours.ino()) == (there.dev(), there.ino()))
}

fn directory_of(path: &Path) -> PathBuf {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent.to_owned(),
        _ => PathBuf::from("."),
    }
}

fn exists() -> Error {
    Error::new(ErrorKind::Io, "the file exists already and may not be replaced")
}

fn replaced() -> Error {
    Error::new(ErrorKind::Io, "something else was put in the place of the unfinished file")
}

fn panicked(error: tokio::task::JoinError) -> Error {
    Error::new(ErrorKind::Internal, "a file operation panicked").with_source(error)
}
