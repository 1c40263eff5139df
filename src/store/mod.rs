//! Where files live: the backup directory, its names and its lock, and how a file comes to have its
//! name only when it is whole.

#[cfg(test)]
mod crash;
mod dir;
mod disk;
mod lock;
mod name;
mod staged;

pub use dir::BackupDir;
pub(crate) use dir::{StoredFile, remove_partial_files};
pub(crate) use lock::DirectoryLock;
pub use name::{BackupKind, BackupName, BackupNameError};
pub(crate) use staged::{StagedFile, replace_file};
