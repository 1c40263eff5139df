//! The backups of a directory, with what their footers say, read once for each file.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::archive::inspect_file;
use crate::error::{Error, ErrorKind, Result};
use crate::store::{BackupDir, BackupKind, BackupName, StoredFile};

/// In which order backups are listed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Sort {
    /// The newest first.
    #[default]
    Newest,
    /// The oldest first.
    Oldest,
}

/// Which part of the list is wanted. By default all of it, the newest first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ListRequest {
    sort: Sort,
    offset: usize,
    limit: Option<usize>,
}

impl ListRequest {
    /// The order.
    #[must_use]
    pub const fn with_sort(mut self, sort: Sort) -> Self {
        self.sort = sort;
        self
    }

    /// How many backups of the whole list are passed over.
    #[must_use]
    pub const fn with_offset(mut self, offset: usize) -> Self {
        self.offset = offset;
        self
    }

    /// How many backups are wanted at most.
    #[must_use]
    pub const fn with_limit(mut self, limit: usize) -> Self {
        self.limit = Some(limit);
        self
    }

    /// The page of this number, from 1, of pages of this many backups.
    #[must_use]
    pub const fn with_page(self, page: usize, size: usize) -> Self {
        self.with_offset(page.saturating_sub(1).saturating_mul(size)).with_limit(size)
    }
}

/// A part of the list of backups.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct BackupList {
    /// The part that was asked for.
    pub backups: Vec<BackupInfo>,
    /// How many there are in all.
    pub total: usize,
    /// How many bytes they have in all.
    pub total_bytes: u64,
}

/// A backup, as the directory and its own footer describe it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct BackupInfo {
    /// Its name.
    pub name: BackupName,
    /// Where it comes from.
    pub kind: BackupKind,
    /// Its length in bytes.
    pub size_bytes: u64,
    /// The moment of its snapshot if it is our own and whole; otherwise the time in its name, or
    /// that of the file (UTC).
    pub created_at: DateTime<Utc>,
    /// Tables in it; absent for a file that is not our own, or is damaged.
    pub tables: Option<u64>,
    /// Rows in it; absent likewise.
    pub rows: Option<u64>,
    /// Objects of all kinds in it; absent likewise.
    pub objects: Option<u64>,
    /// The databases in it, by the names that they had.
    pub databases: Vec<String>,
    /// The server that it comes from, such as `MariaDB 11.8.3`; absent likewise.
    pub server: Option<String>,
    /// The SHA-256 of everything before its trailer, in hexadecimal; absent likewise.
    pub sha256: Option<String>,
    /// What is wrong with it, as far as its end tells; such a file cannot be restored.
    pub problem: Option<String>,
}

impl BackupInfo {
    /// Whether it is a backup of our own that has its footer.
    #[must_use]
    pub const fn is_whole(&self) -> bool {
        self.tables.is_some()
    }
}

/// What is known of files, as long as they do not change.
#[derive(Clone, Debug, Default)]
pub(super) struct Cache {
    known: Arc<Mutex<HashMap<BackupName, Known>>>,
}

#[derive(Clone, Debug)]
struct Known {
    bytes: u64,
    modified: SystemTime,
    info: BackupInfo,
}

impl Cache {
    /// Every backup, the newest first. Blocks.
    pub(super) fn all(&self, directory: &BackupDir) -> Result<Vec<BackupInfo>> {
        let files = directory.files()?;
        let mut before =
            std::mem::take(&mut *self.known.lock().unwrap_or_else(PoisonError::into_inner));
        let mut known = HashMap::with_capacity(files.len());
        let mut infos = Vec::with_capacity(files.len());
        for file in files {
            let found = before
                .remove(&file.name)
                .filter(|found| found.bytes == file.bytes && found.modified == file.modified);
            let info = match found {
                Some(found) => found.info,
                None => match describe(directory, &file) {
                    Ok(info) => info,
                    // Deleted since, or a link is in its place.
                    Err(error) if is_gone(&error) => continue,
                    Err(error) => return Err(error),
                },
            };
            infos.push(info.clone());
            known.insert(file.name, Known { bytes: file.bytes, modified: file.modified, info });
        }
        *self.known.lock().unwrap_or_else(PoisonError::into_inner) = known;
        infos.sort_by(|one, other| {
            (other.created_at, &other.name).cmp(&(one.created_at, &one.name))
        });
        Ok(infos)
    }

    /// A part of the list. Blocks.
    pub(super) fn list(&self, directory: &BackupDir, request: &ListRequest) -> Result<BackupList> {
        let mut all = self.all(directory)?;
        if request.sort == Sort::Oldest {
            all.reverse();
        }
        let total = all.len();
        let total_bytes = all.iter().map(|info| info.size_bytes).fold(0, u64::saturating_add);
        let limit = request.limit.unwrap_or(usize::MAX);
        let backups = all.into_iter().skip(request.offset).take(limit).collect();
        Ok(BackupList { backups, total, total_bytes })
    }
}

fn describe(directory: &BackupDir, stored: &StoredFile) -> Result<BackupInfo> {
    let mut info = BackupInfo {
        kind: stored.name.kind(),
        name: stored.name.clone(),
        size_bytes: stored.bytes,
        created_at: stored.name.time().unwrap_or_else(|| stored.modified.into()),
        tables: None,
        rows: None,
        objects: None,
        databases: Vec::new(),
        server: None,
        sha256: None,
        problem: None,
    };
    let mut file = directory.open_file(&stored.name)?;
    match inspect_file(&mut file) {
        Ok(Some(footer)) => {
            let manifest = footer.manifest;
            let counts = manifest.counts();
            info.created_at = manifest.created_at;
            info.tables = Some(counts.get(&crate::ident::ObjectKind::Table).copied().unwrap_or(0));
            info.rows = Some(manifest.rows());
            info.objects = Some(counts.values().sum());
            info.databases =
                manifest.databases.iter().map(|database| database.name.clone()).collect();
            info.server = Some(format!("{} {}", manifest.flavor, manifest.server_version));
            info.sha256 = Some(footer.sha256);
        }
        Ok(None) if info.kind == BackupKind::Foreign => {}
        Ok(None) => info.problem = Some(not_ours().to_string()),
        Err(error) => info.problem = Some(error.chain()),
    }
    Ok(info)
}

fn is_gone(error: &Error) -> bool {
    matches!(error.kind(), ErrorKind::NotFound | ErrorKind::Config)
}

fn not_ours() -> Error {
    Error::new(ErrorKind::Manifest, "it has the name of a backup by snapdump, but is none")
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    /// The name of a backup, for a file whose text says what is wrong with it.
    const NAME: &str = "manual_2026-01-29_22-08-29.sql.gz";
    /// Of the same length: a fragment of ours, and what is not ours at all.
    const TEXTS: [&str; 2] = ["-- snapdump format 1\n", "-- somebody else's 1\n"];

    struct Files {
        scratch: tempfile::TempDir,
        directory: BackupDir,
        cache: Cache,
    }

    impl Files {
        fn write(&self, text: &str, age: u64) {
            let path = self.scratch.path().join(NAME);
            std::fs::write(&path, text).unwrap();
            let time = SystemTime::UNIX_EPOCH + Duration::from_secs(2_000_000_000 - age);
            std::fs::File::options().write(true).open(path).unwrap().set_modified(time).unwrap();
        }

        /// What the list says is wrong with the one file.
        fn problem(&self) -> String {
            let list = self.cache.list(&self.directory, &ListRequest::default()).unwrap();
            assert_eq!((list.total, list.backups.len()), (1, 1));
            assert_eq!(list.total_bytes, list.backups[0].size_bytes);
            list.backups[0].problem.clone().unwrap()
        }
    }

    /// A file that would be read again would be found to have changed, although its length and time
    /// are the same.
    #[test]
    fn a_file_is_read_once_until_its_length_or_time_changes() {
        let scratch = tempfile::tempdir().unwrap();
        let directory = BackupDir::open(scratch.path()).unwrap();
        let files = Files { scratch, directory, cache: Cache::default() };
        let [fragment, foreign] = TEXTS;
        assert_eq!(fragment.len(), foreign.len());
        let is_fragment = |problem: &str| problem.contains("fragment");
        files.write(fragment, 10);
        assert!(is_fragment(&files.problem()), "{}", files.problem());
        files.write(foreign, 10);
        assert!(is_fragment(&files.problem()), "it was read again");
        // Clones have the same memory.
        let clone = files.cache.clone();
        assert!(is_fragment(clone.all(&files.directory).unwrap()[0].problem.as_ref().unwrap()));
        // Without it, it is read.
        let fresh = Cache::default().all(&files.directory).unwrap();
        assert_eq!(fresh[0].problem, Some(not_ours().to_string()));

        files.write(foreign, 9);
        assert_eq!(files.problem(), not_ours().to_string(), "the time is another");
        files.write(&format!("{fragment}\n"), 9);
        assert!(is_fragment(&files.problem()), "the length is another");
        files.write(&format!("{foreign}\n"), 11);
        assert_eq!(files.problem(), not_ours().to_string(), "an older one was put there");
        files.write(&format!("{fragment}\n"), 11);
        assert_eq!(files.problem(), not_ours().to_string(), "it was read again");

        // What is gone is forgotten, even if something just like it comes.
        std::fs::remove_file(files.scratch.path().join(NAME)).unwrap();
        assert_eq!(files.cache.all(&files.directory).unwrap(), []);
        files.write(&format!("{fragment}\n"), 11);
        assert!(is_fragment(&files.problem()));
    }
}
