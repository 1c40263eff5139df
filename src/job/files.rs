//! The files of a manager: listed, read, deleted and pruned.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::str::FromStr;

use chrono::Utc;

use super::exclusive::Exclusive;
use super::list::{BackupInfo, BackupList, ListRequest};
use super::manager::{BackupManager, Inner};
use super::obstacle::{HalfDoneRestore, RunningJob};
use super::prune::{PruneReport, RetentionPolicy, decide};
use super::reader::BackupReader;
use super::status::JobKind;
use crate::archive::{inspect_file, verify_file};
use crate::context::Context;
use crate::error::{Error, ErrorKind, Result};
use crate::store::{BackupDir, BackupKind, BackupName};

/// That a person wants a backup deleted, and has typed so.
#[derive(Clone, Copy, Debug)]
pub struct DeleteConfirmation(());

impl DeleteConfirmation {
    /// What has to be typed.
    pub const WORD: &str = "DELETE";
}

/// Reads what was typed: exactly [`DeleteConfirmation::WORD`].
impl FromStr for DeleteConfirmation {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        if text == Self::WORD {
            Ok(Self(()))
        } else {
            Err(Error::config(format!("type {} to delete a backup", Self::WORD)))
        }
    }
}

impl BackupManager {
    /// The backups of the directory. What their footers say is read once for each file.
    ///
    /// # Errors
    /// [`ErrorKind::Io`] if the directory cannot be read.
    ///
    /// # Cancel safety
    /// Dropping the future leaves nothing behind.
    pub async fn list(&self, request: ListRequest) -> Result<BackupList> {
        let (cache, directory) = (self.inner.cache.clone(), self.inner.directory.clone());
        super::blocking(move || cache.list(&directory, &request)).await
    }

    /// Opens a backup to send it somewhere: all of it, or a range of bytes.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`] when there is no such backup, [`ErrorKind::Config`] when it has no
    /// such range or is a link, [`ErrorKind::Io`] if it cannot be read.
    ///
    /// # Cancel safety
    /// Dropping the future leaves nothing behind.
    pub async fn read(&self, file: &BackupName, range: Option<Range<u64>>) -> Result<BackupReader> {
        let (directory, file) = (self.inner.directory.clone(), file.clone());
        super::blocking(move || BackupReader::open(&directory, file, range)).await
    }

    /// Deletes a backup and returns how many bytes it had.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`] when there is no such backup, [`ErrorKind::Config`] when it is a
    /// link, [`ErrorKind::Busy`] when a running job needs it, runs in another process or is about to
    /// begin,
    /// [`ErrorKind::HalfDone`] when it is the restore point of a restore that was left half done,
    /// [`ErrorKind::Io`] if it cannot be deleted.
    ///
    /// # Cancel safety
    /// Dropping the future may leave the backup deleted or not.
    pub async fn delete(&self, file: &BackupName, _: DeleteConfirmation) -> Result<u64> {
        // Held until the backup is gone, so that no job comes to need it meanwhile.
        let _exclusive = match Exclusive::take(&self.inner.slot, &self.inner.directory).await {
            Ok(exclusive) => Some(exclusive),
            Err(error) => {
                let running = RunningJob::of(&error).and_then(|running| self.live(running.id));
                let needed = running.is_none_or(|job| {
                    let status = job.status();
                    // The restore point has its name before the job tells of it.
                    let may_be_its_own = status.kind == JobKind::Restore
                        && status.restore_point.is_none()
                        && file.kind() == BackupKind::RestorePoint;
                    status.file.as_ref() == Some(file)
                        || status.restore_point.as_ref() == Some(file)
                        || may_be_its_own
                });
                if error.kind() != ErrorKind::Busy || needed {
                    return Err(error);
                }
                None
            }
        };
        if let Some(found) = self.needs(file).await? {
            return Err(found.error("the backup is all that is left of what was there before"));
        }
        let bytes = self.inner.remove(file).await?;
        tracing::info!(%file, bytes, "backup deleted");
        Ok(bytes)
    }

    /// The restore that was left half done and has this backup for its restore point.
    async fn needs(&self, file: &BackupName) -> Result<Option<HalfDoneRestore>> {
        let half_done = self.half_done_restores().await?;
        Ok(half_done.into_iter().find(|found| found.restore_point.as_ref() == Some(file)))
    }

    /// Removes the backups that a policy does not keep, and says why the others stay. With
    /// `dry_run` it only says what it would do.
    ///
    /// Before older backups of a database give way to the newest whole one, all of that one is read
    /// and verified. If it is damaged it does not count, and the next newest does.
    ///
    /// # Errors
    /// [`ErrorKind::Busy`] when an operation is running, unless it is a dry run;
    /// [`ErrorKind::Io`] if the directory, the newest backup or a job in the journal cannot be read,
    /// or a backup cannot be deleted; [`ErrorKind::Cancelled`] when the manager is shutting down. In
    /// the last two cases some backups may have been removed.
    ///
    /// # Cancel safety
    /// Dropping the future can leave some of the backups removed.
    pub async fn prune(&self, policy: &RetentionPolicy, dry_run: bool) -> Result<PruneReport> {
        let inner = &self.inner;
        inner.refuse_closing()?;
        let _at_work = inner.at_work.read().await;
        inner.refuse_closing()?;
        let _exclusive = if dry_run {
            None
        } else {
            let exclusive = Exclusive::take(&inner.slot, &inner.directory).await?;
            // What a dead job has left may be needed.
            self.settle().await?;
            Some(exclusive)
        };
        let (cache, directory) = (inner.cache.clone(), inner.directory.clone());
        let (journal, policy) = (inner.journal.clone(), policy.clone());
        // Whoever drops this future ends the reading too.
        let context = inner.upkeep.branch();
        let _ends = context.ended_on_drop();
        let report = super::blocking(move || {
            let needed = journal
                .every_record()?
                .into_iter()
                .filter_map(|record| record.recovery?.restore_point)
                .collect();
            decide_with_proof(&policy, &directory, &cache.all(&directory)?, &needed, &context)
        })
        .await?;
        if !dry_run {
            for file in &report.removed {
                inner.upkeep.check()?;
                let bytes = inner.remove(file).await?;
                tracing::info!(%file, bytes, "backup pruned");
            }
        }
        Ok(report)
    }
}

/// Decides about all backups, once it is proven that those which others give way to are whole to
/// the last byte. Blocks.
fn decide_with_proof(
    policy: &RetentionPolicy,
    directory: &BackupDir,
    backups: &[BackupInfo],
    needed: &BTreeSet<BackupName>,
    context: &Context,
) -> Result<PruneReport> {
    let (mut whole, mut damaged) = (BTreeSet::new(), BTreeSet::new());
    loop {
        let report = decide(policy, backups, needed, &damaged, Utc::now());
        let Some(unproven) = report.unproven(backups, &whole).cloned() else {
            return Ok(report);
        };
        match verify_file(&directory.path_of(&unproven), context) {
            Ok(_) => {
                whole.insert(unproven);
            }
            // It may be whole: the disk does not say, or nobody has looked.
            Err(error)
                if matches!(
                    error.kind(),
                    ErrorKind::Io | ErrorKind::NotFound | ErrorKind::Cancelled
                ) =>
            {
                return Err(error);
            }
            Err(error) => {
                tracing::warn!(file = %unproven, error = %error.chain(), "a backup is damaged");
                damaged.insert(unproven);
            }
        }
    }
}

impl Inner {
    /// Deletes a backup, and lets the links that lead to it lead to the newest one that is left.
    pub(super) async fn remove(&self, file: &BackupName) -> Result<u64> {
        let (cache, directory, file) = (self.cache.clone(), self.directory.clone(), file.clone());
        super::blocking(move || {
            let all = cache.all(&directory)?;
            let databases = all.iter().find(|info| info.name == file).map(|info| &info.databases);
            let next = all.iter().find(|info| {
                info.kind == BackupKind::Manual
                    && info.is_whole()
                    && info.name != file
                    && Some(&info.databases) == databases
            });
            // Before it is gone: a link never leads nowhere.
            directory.forget_latest(&file, next.map(|info| &info.name))?;
            directory.remove(&file)
        })
        .await
    }

    /// Lets the link of every database lead to its newest backup again, wherever a process died
    /// between two steps. Blocks.
    pub(super) fn settle_latest(&self) {
        let settled = self.cache.all(&self.directory).and_then(|all| {
            let mut newest = BTreeMap::new();
            for info in all.iter().filter(|info| info.kind == BackupKind::Manual && info.is_whole())
            {
                if let [database] = info.databases.as_slice() {
                    newest.entry(database).or_insert(&info.name);
                }
            }
            for (database, name) in newest {
                if self.directory.latest(database).as_ref() != Some(name) {
                    self.directory.set_latest(database, name)?;
                }
            }
            self.directory.remove_broken_latest()
        });
        if let Err(error) = settled {
            tracing::warn!(error = %error.chain(), "the links to the newest backups are as they were");
        }
    }

    /// Lets the link of a backup's database lead to it.
    pub(super) async fn renew_latest(&self, file: &BackupName) -> Result<()> {
        let (directory, file) = (self.directory.clone(), file.clone());
        super::blocking(move || {
            let footer = inspect_file(&mut directory.open_file(&file)?)?;
            match footer.as_ref().map(|footer| footer.manifest.databases.as_slice()) {
                Some([database]) => directory.set_latest(&database.name, &file),
                _ => Ok(()),
            }
        })
        .await
    }
}
