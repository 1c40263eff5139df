//! The directory that backups live in.

use std::fs::{DirBuilder, File};
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, symlink};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use chrono::{DateTime, TimeDelta, Utc};
use rustix::fs::{Mode, OFlags};

use super::disk::{Step, about_to};
use super::name::{self, BackupKind, BackupName};
use super::staged::{is_partial, partial_path, sync_directory};
use crate::error::{Error, ErrorKind, Result};

/// How many seconds a new name may lie ahead of the clock because others are taken.
const SECONDS_AHEAD: usize = 3600;

/// The rights of the group and of all others to write (POSIX, sys/stat.h).
const OTHERS_WRITE: u32 = 0o022;

/// A directory of backups.
///
/// What is in it: the backups, a link `latest.{database}.sql.gz` to the newest one of each
/// database, and, under names that begin with a dot, the lock, the journal of jobs, and files that
/// are being written. Files whose names are no [`BackupName`] are never touched.
///
/// ```
/// # let scratch = tempfile::tempdir()?;
/// # let path = scratch.path().join("shop");
/// use snapdump::BackupDir;
///
/// let directory = BackupDir::open(&path)?;
/// assert_eq!(directory.path(), path);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct BackupDir {
    path: PathBuf,
}

/// A file that has the name of a backup.
#[derive(Clone, Debug)]
pub(crate) struct StoredFile {
    pub(crate) name: BackupName,
    /// Its length in bytes.
    pub(crate) bytes: u64,
    pub(crate) modified: SystemTime,
}

impl BackupDir {
    /// Opens a directory, and makes it if it is not there, for its owner only (mode 0700). The
    /// mode of one that is there is left as it is; a warning is logged if others may write to it, and
    /// so replace backups. Blocks on the file system.
    ///
    /// # Errors
    /// [`ErrorKind::Io`] if it cannot be made or read, or is no directory.
    pub fn open(path: impl AsRef<Path>) -> Result<Self> {
        let given = path.as_ref();
        let at = |error: Error| error.at(|place| place.file = Some(given.display().to_string()));
        let path = std::path::absolute(given)
            .map_err(|error| at(Error::io("the backup directory has no usable path", error)))?;
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&path)
            .map_err(|error| at(Error::io("could not make the backup directory", error)))?;
        path.read_dir()
            .map_err(|error| at(Error::io("could not read the backup directory", error)))?;
        let mode = path
            .metadata()
            .map_err(|error| at(Error::io("could not read the backup directory", error)))?
            .mode();
        if mode & OTHERS_WRITE != 0 {
            tracing::warn!(
                directory = %path.display(),
                mode = format_args!("{:o}", mode & 0o7777),
                "others than its owner may write to the backup directory"
            );
        }
        Ok(Self { path })
    }

    /// Where it is; always absolute.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Where a backup of this name is, or would be.
    #[must_use]
    pub fn path_of(&self, name: &BackupName) -> PathBuf {
        self.path.join(name.as_str())
    }

    /// The newest backup of a database, as its link says; absent without one. Blocks on the file
    /// system.
    #[must_use]
    pub fn latest(&self, database: &str) -> Option<BackupName> {
        let target = self.path.join(name::latest(database)?).read_link().ok()?;
        target.to_str()?.parse().ok()
    }

    /// The regular files that have the name of a backup, in no order. Links are left out.
    pub(crate) fn files(&self) -> Result<Vec<StoredFile>> {
        let read = |error| Error::io("could not read the backup directory", error);
        let mut files = Vec::new();
        for entry in self.path.read_dir().map_err(read)? {
            let entry = entry.map_err(read)?;
            let Some(name) = entry.file_name().to_str().and_then(|name| name.parse().ok()) else {
                continue;
            };
            match entry.metadata() {
                Ok(metadata) if metadata.is_file() => files.push(StoredFile {
                    name,
                    bytes: metadata.len(),
                    modified: metadata.modified().map_err(read)?,
                }),
                Ok(_) => {}
                // Deleted since.
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(read(error)),
            }
        }
        Ok(files)
    }

    /// Opens a backup for reading: a regular file in this directory, never through a link.
    pub(crate) fn open_file(&self, name: &BackupName) -> Result<File> {
        // Without NONBLOCK a pipe of that name would be waited for.
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let file = rustix::fs::open(self.path_of(name), flags, Mode::empty())
            .map(File::from)
            .map_err(|error| not_opened(name, error.into()))?;
        let metadata = file.metadata().map_err(|error| not_opened(name, error))?;
        if metadata.is_file() { Ok(file) } else { Err(no_file(name)) }
    }

    /// Deletes a backup and returns how many bytes it had. The name is free on the disk too when
    /// this returns.
    pub(crate) fn remove(&self, name: &BackupName) -> Result<u64> {
        let path = self.path_of(name);
        let metadata = path.symlink_metadata().map_err(|error| not_opened(name, error))?;
        if !metadata.is_file() {
            return Err(no_file(name));
        }
        about_to(Step::Remove, &path)
            .and_then(|()| std::fs::remove_file(&path))
            .map_err(|error| not_opened(name, error))?;
        sync_directory(&self.path)?;
        Ok(metadata.len())
    }

    /// A name for a backup of our own that no file has: of the time given, or of the next second
    /// that is free.
    pub(crate) fn unused_name(&self, kind: BackupKind, now: DateTime<Utc>) -> Result<BackupName> {
        let mut time = now;
        for _ in 0..SECONDS_AHEAD {
            let name = BackupName::of(kind, time);
            match self.path_of(&name).symlink_metadata() {
                Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(name),
                Err(error) => {
                    return Err(Error::io("could not read the backup directory", error));
                }
                Ok(_) => time += TimeDelta::seconds(1),
            }
        }
        Err(Error::new(ErrorKind::Io, "every name for a new backup is taken"))
    }

    /// Lets the link of a database lead to a backup, in one step.
    pub(crate) fn set_latest(&self, database: &str, name: &BackupName) -> Result<()> {
        let Some(link) = name::latest(database) else {
            tracing::debug!("the name of the database is too long for a link");
            return Ok(());
        };
        let failed = |error| Error::io("could not make the link to the newest backup", error);
        let staged = partial_path(&self.path);
        symlink(name.as_str(), &staged).map_err(failed)?;
        let link = self.path.join(link);
        let moved = about_to(Step::Rename, &link).and_then(|()| std::fs::rename(&staged, &link));
        moved.map_err(|error| {
            // The first error says more than one of the clean-up.
            let _ = std::fs::remove_file(&staged);
            failed(error)
        })?;
        sync_directory(&self.path)
    }

    /// Lets the links that lead to a backup lead elsewhere, or nowhere.
    pub(crate) fn forget_latest(&self, name: &BackupName, next: Option<&BackupName>) -> Result<()> {
        for path in self.latest_links()? {
            if !path.read_link().is_ok_and(|target| target == Path::new(name.as_str())) {
                continue;
            }
            match next {
                Some(next) => {
                    let staged = partial_path(&self.path);
                    symlink(next.as_str(), &staged).map_err(link_failed)?;
                    about_to(Step::Rename, &path)
                        .and_then(|()| std::fs::rename(&staged, &path))
                        .map_err(link_failed)?;
                }
                None => about_to(Step::Remove, &path)
                    .and_then(|()| std::fs::remove_file(&path))
                    .map_err(link_failed)?,
            }
        }
        sync_directory(&self.path)
    }

    /// Removes the unfinished files of processes that are dead: a living one holds a lock on its
    /// file. Returns how many there were.
    pub(crate) fn remove_partial_files(&self) -> Result<u64> {
        remove_partial_files(&self.path)
    }

    /// Removes links to newest backups that lead nowhere.
    pub(crate) fn remove_broken_latest(&self) -> Result<()> {
        for path in self.latest_links()? {
            if !path.exists() {
                std::fs::remove_file(&path).map_err(link_failed)?;
            }
        }
        Ok(())
    }

    /// The links to the newest backups of the databases.
    fn latest_links(&self) -> Result<Vec<PathBuf>> {
        let read = |error| Error::io("could not read the backup directory", error);
        let mut links = Vec::new();
        for entry in self.path.read_dir().map_err(read)? {
            let entry = entry.map_err(read)?;
            let named = entry.file_name().to_string_lossy().starts_with(name::LATEST);
            if named && entry.file_type().is_ok_and(|kind| kind.is_symlink()) {
                links.push(entry.path());
            }
        }
        Ok(links)
    }

    /// How many bytes the file system of the directory has left for this process.
    pub(crate) fn free_bytes(&self) -> Result<u64> {
        let space = rustix::fs::statvfs(&self.path)
            .map_err(|error| Error::io("could not ask for the free space", error.into()))?;
        Ok(space.f_bavail.saturating_mul(space.f_frsize))
    }
}

/// The same in any folder.
pub(crate) fn remove_partial_files(folder: &Path) -> Result<u64> {
    let read = |error| Error::io("could not read the backup directory", error);
    let mut removed = 0;
    for entry in folder.read_dir().map_err(read)? {
        let entry = entry.map_err(read)?;
        if !is_partial(&entry.file_name()) {
            continue;
        }
        let path = entry.path();
        let flags = OFlags::RDWR | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let dead = match rustix::fs::open(&path, flags, Mode::empty()) {
            Ok(file) => File::from(file).try_lock().is_ok(),
            // A link that was being made.
            Err(rustix::io::Errno::LOOP) => true,
            Err(_) => false,
        };
        if dead && std::fs::remove_file(&path).is_ok() {
            tracing::info!(path = %path.display(), "removed an unfinished file");
            removed += 1;
        }
    }
    Ok(removed)
}

fn link_failed(error: io::Error) -> Error {
    Error::io("could not change the link to the newest backup", error)
}

fn not_opened(name: &BackupName, error: io::Error) -> Error {
    let at = |error: Error| error.at(|place| place.file = Some(name.to_string()));
    if error.kind() == io::ErrorKind::NotFound {
        at(Error::new(ErrorKind::NotFound, "there is no such backup"))
    } else if rustix::io::Errno::from_io_error(&error) == Some(rustix::io::Errno::LOOP) {
        no_file(name)
    } else {
        at(Error::io("could not use the backup", error))
    }
}

fn no_file(name: &BackupName) -> Error {
    Error::config("this is no file of its own, but a link or something else")
        .at(|place| place.file = Some(name.to_string()))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    fn scratch() -> (tempfile::TempDir, BackupDir) {
        let scratch = tempfile::tempdir().unwrap();
        let directory = BackupDir::open(scratch.path().join("a/b")).unwrap();
        (scratch, directory)
    }

    fn put(directory: &BackupDir, name: &str) -> BackupName {
        std::fs::write(directory.path().join(name), name).unwrap();
        name.parse().unwrap()
    }

    #[test]
    fn a_new_directory_is_its_owners_alone() {
        let (_scratch, directory) = scratch();
        let mode = directory.path().metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o700);
        let file = put(&directory, "a.sql");
        let error = BackupDir::open(directory.path_of(&file)).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Io);
    }

    #[test]
    fn a_directory_that_is_there_keeps_its_mode() {
        let scratch = tempfile::tempdir().unwrap();
        for mode in [0o777, 0o1777, 0o755, 0o700] {
            std::fs::set_permissions(scratch.path(), std::fs::Permissions::from_mode(mode))
                .unwrap();
            BackupDir::open(scratch.path()).unwrap();
            let kept = scratch.path().metadata().unwrap().permissions().mode();
            assert_eq!(kept & 0o7777, mode);
        }
    }

    #[test]
    fn only_backups_are_listed_and_no_link_is_followed() {
        let (scratch, directory) = scratch();
        put(&directory, "a.sql");
        for name in ["notes.txt", ".snapdump-x.partial", ".hidden.sql"] {
            std::fs::write(directory.path().join(name), "x").unwrap();
        }
        std::fs::create_dir(directory.path().join("folder.sql")).unwrap();
        std::fs::write(scratch.path().join("secret.sql"), "secret").unwrap();
        let link: BackupName = "link.sql".parse().unwrap();
        symlink(scratch.path().join("secret.sql"), directory.path_of(&link)).unwrap();
        let names: Vec<_> =
            directory.files().unwrap().into_iter().map(|file| file.name.to_string()).collect();
        assert_eq!(names, ["a.sql"]);
        for name in [link, "folder.sql".parse().unwrap()] {
            assert_eq!(directory.open_file(&name).unwrap_err().kind(), ErrorKind::Config);
            assert_eq!(directory.remove(&name).unwrap_err().kind(), ErrorKind::Config);
        }
        assert!(scratch.path().join("secret.sql").exists());
        let missing: BackupName = "missing.sql".parse().unwrap();
        assert_eq!(directory.open_file(&missing).unwrap_err().kind(), ErrorKind::NotFound);
        assert_eq!(directory.remove(&missing).unwrap_err().kind(), ErrorKind::NotFound);
    }

    #[test]
    fn two_backups_of_one_second_have_two_names() {
        let (_scratch, directory) = scratch();
        let now = "2026-01-29T23:59:59Z".parse().unwrap();
        let mut names = Vec::new();
        for _ in 0..3 {
            let name = directory.unused_name(BackupKind::Manual, now).unwrap();
            put(&directory, name.as_str());
            names.push(name.to_string());
        }
        assert_eq!(
            names,
            [
                "manual_2026-01-29_23-59-59.sql.gz",
                "manual_2026-01-30_00-00-00.sql.gz",
                "manual_2026-01-30_00-00-01.sql.gz"
            ]
        );
    }

    #[test]
    fn the_link_to_the_newest_backup_moves_and_goes() {
        let (_scratch, directory) = scratch();
        assert_eq!(directory.latest("shop"), None);
        let (old, new) = (put(&directory, "a.sql"), put(&directory, "b.sql"));
        directory.set_latest("shop", &old).unwrap();
        directory.set_latest("shop", &new).unwrap();
        assert_eq!(directory.latest("shop"), Some(new.clone()));
        let through = std::fs::read(directory.path().join("latest.shop.sql.gz")).unwrap();
        assert_eq!(through, b"b.sql");
        directory.forget_latest(&new, Some(&old)).unwrap();
        assert_eq!(directory.latest("shop"), Some(old.clone()));
        directory.forget_latest(&old, None).unwrap();
        assert_eq!(directory.latest("shop"), None);
        assert_eq!(directory.path().read_dir().unwrap().count(), 2);
    }

    #[tokio::test]
    async fn only_the_unfinished_files_of_the_dead_are_removed() {
        let (_scratch, directory) = scratch();
        let name = put(&directory, "a.sql");
        std::fs::write(directory.path().join(".snapdump-dead.partial"), "x").unwrap();
        let context = crate::context::Context::new();
        let living =
            super::super::StagedFile::create(&directory.path().join("b.sql"), false, &context)
                .await
                .unwrap();
        assert_eq!(directory.remove_partial_files().unwrap(), 1);
        assert_eq!(directory.remove_partial_files().unwrap(), 0);
        assert_eq!(directory.path().read_dir().unwrap().count(), 2);
        drop(living);
        directory.open_file(&name).unwrap();
        assert_eq!(directory.path().read_dir().unwrap().count(), 1);
        assert!(directory.free_bytes().unwrap() > 0);
    }
}
