//! The lock on a directory: one operation at a time among all processes that use it.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read as _, Seek as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::PathBuf;

use super::dir::BackupDir;
use crate::error::{Error, Result};

const NAME: &str = ".snapdump.lock";

/// A lock that the operating system frees when the process dies, however it dies.
#[derive(Debug)]
pub(crate) struct DirectoryLock {
    file: File,
}

impl DirectoryLock {
    /// Takes the lock, or returns `None` at once when somebody has it.
    pub(crate) fn try_take(directory: &BackupDir) -> Result<Option<Self>> {
        let failed = |error| Error::io("could not lock the backup directory", error);
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false).mode(0o600);
        options.custom_flags(rustix::fs::OFlags::NOFOLLOW.bits().cast_signed());
        let file = options.open(path(directory)).map_err(failed)?;
        match file.try_lock() {
            Ok(()) => {
                // What a dead owner has left.
                file.set_len(0).map_err(failed)?;
                Ok(Some(Self { file }))
            }
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => Err(failed(error)),
        }
    }

    /// Whether somebody has the lock. Those who ask do not take one another for an owner.
    pub(crate) fn is_held(directory: &BackupDir) -> Result<bool> {
        let failed = |error| Error::io("could not look at the lock of the backup directory", error);
        let file = match to_read().open(path(directory)) {
            Ok(file) => file,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(false),
            Err(error) => return Err(failed(error)),
        };
        match file.try_lock_shared() {
            Ok(()) => {
                let _ = file.unlock();
                Ok(false)
            }
            Err(TryLockError::WouldBlock) => Ok(true),
            Err(TryLockError::Error(error)) => Err(failed(error)),
        }
    }

    /// Writes down who has the lock, for those who ask in vain.
    pub(crate) fn sign(&mut self, owner: &[u8]) -> Result<()> {
        let failed = |error| Error::io("could not write the lock of the backup directory", error);
        self.file.rewind().map_err(failed)?;
        self.file.set_len(0).map_err(failed)?;
        self.file.write_all(owner).map_err(failed)
    }

    /// What the owner of the lock has written; nothing when it has not yet, or has no lock.
    pub(crate) fn owner(directory: &BackupDir) -> Vec<u8> {
        let mut text = Vec::new();
        if let Ok(file) = to_read().open(path(directory)) {
            // A text that cannot be read is as good as none.
            let _ = file.take(64 * 1024).read_to_end(&mut text);
        }
        text
    }
}

impl Drop for DirectoryLock {
    fn drop(&mut self) {
        // Nobody may take the last owner for the next one.
        let _ = self.file.set_len(0);
        // Closing the file would not do: a process that is being started has it for a moment too.
        let _ = self.file.unlock();
    }
}

/// Neither another file by a link, nor a pipe that is waited for.
fn to_read() -> OpenOptions {
    let flags = rustix::fs::OFlags::NOFOLLOW | rustix::fs::OFlags::NONBLOCK;
    let mut options = OpenOptions::new();
    options.read(true).custom_flags(flags.bits().cast_signed());
    options
}

fn path(directory: &BackupDir) -> PathBuf {
    directory.path().join(NAME)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_has_the_lock_and_says_who() {
        let scratch = tempfile::tempdir().unwrap();
        let directory = BackupDir::open(scratch.path()).unwrap();
        assert!(!DirectoryLock::is_held(&directory).unwrap());
        let mut first = DirectoryLock::try_take(&directory).unwrap().unwrap();
        assert!(DirectoryLock::is_held(&directory).unwrap());
        first.sign(b"a longer owner").unwrap();
        first.sign(b"owner").unwrap();
        assert!(DirectoryLock::try_take(&directory).unwrap().is_none());
        assert_eq!(DirectoryLock::owner(&directory), b"owner");
        drop(first);
        assert_eq!(DirectoryLock::owner(&directory), b"");
        // Somebody else who looks at the same time.
        let other = File::open(path(&directory)).unwrap();
        other.try_lock_shared().unwrap();
        assert!(!DirectoryLock::is_held(&directory).unwrap());
        // Closed only, it could be held by a process that another test starts.
        other.unlock().unwrap();
        assert!(DirectoryLock::try_take(&directory).unwrap().is_some());
    }

    /// Processes that are started inherit the file until they run their program.
    #[test]
    fn a_lock_is_free_at_once_whatever_is_started() {
        let scratch = tempfile::tempdir().unwrap();
        let directory = BackupDir::open(scratch.path()).unwrap();
        std::thread::scope(|scope| {
            let starting = scope.spawn(|| {
                for _ in 0..50 {
                    std::process::Command::new("true").status().unwrap();
                }
            });
            while !starting.is_finished() {
                drop(DirectoryLock::try_take(&directory).unwrap().expect("nobody else has it"));
                assert!(!DirectoryLock::is_held(&directory).unwrap());
            }
        });
    }

    /// Neither a link to another file nor a pipe that nobody writes to is taken for the lock.
    #[test]
    fn a_lock_that_is_a_link_or_a_pipe_is_not_read() {
        let scratch = tempfile::tempdir().unwrap();
        let directory = BackupDir::open(scratch.path()).unwrap();
        let secret = scratch.path().join("secret");
        std::fs::write(&secret, "secret").unwrap();
        std::os::unix::fs::symlink(&secret, path(&directory)).unwrap();
        assert_eq!(DirectoryLock::owner(&directory), b"");
        assert!(DirectoryLock::try_take(&directory).is_err());
        assert_eq!(std::fs::read(&secret).unwrap(), b"secret");
        std::fs::remove_file(path(&directory)).unwrap();
        let made = std::process::Command::new("mkfifo").arg(path(&directory)).status().unwrap();
        assert!(made.success());
        assert_eq!(DirectoryLock::owner(&directory), b"");
    }
}
