//! The manager: what it is, how it is opened and shut down. What it does stands in modules of its
//! own: it starts jobs (`start`), looks after files (`files`), and knows all jobs (`history`).

use std::collections::BTreeMap;
use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use super::exclusive::{Exclusive, Slot, refuse_taken};
use super::handle::Job;
use super::id::JobId;
use super::journal::Journal;
use super::list::Cache;
use super::options::ManagerOptions;
use crate::context::Context;
use crate::error::{Error, ErrorKind, Result};
use crate::server::ConnectOptions;
use crate::store::BackupDir;

/// Backups of a database in a directory: made, restored, listed and deleted by jobs, one at a time.
///
/// Clones are the same manager. Any number of managers, of this process and of others, may use one
/// directory.
///
/// ```no_run
/// # async fn example(server: snapdump::ConnectOptions) -> snapdump::Result<()> {
/// use futures::StreamExt as _;
/// use snapdump::{BackupDir, BackupManager, CreateRequest, ManagerOptions, RestoreRequest};
///
/// let directory = BackupDir::open("/var/backups/shop")?;
/// let manager = BackupManager::open(server, directory, ManagerOptions::default()).await?;
///
/// let job = manager.create(CreateRequest::manual()).await?;
/// let mut changes = job.watch();
/// while let Some(status) = changes.next().await {
///     println!("{}", status.message);
/// }
/// job.wait().await?;
///
/// let newest = manager.list(Default::default()).await?.backups.remove(0).name;
/// manager.restore(RestoreRequest::new(newest)).await?.wait().await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct BackupManager {
    pub(super) inner: Arc<Inner>,
}

pub(super) struct Inner {
    pub(super) connect: ConnectOptions,
    pub(super) directory: BackupDir,
    pub(super) options: ManagerOptions,
    pub(super) journal: Journal,
    pub(super) cache: Cache,
    pub(super) slot: Slot,
    /// The jobs of this process: the one that runs, and the last ones.
    jobs: Mutex<BTreeMap<JobId, Job>>,
    closing: AtomicBool,
    /// What prunes backups beside the jobs, and can be told to stop.
    pub(super) upkeep: Context,
    /// Read-locked while that is at work.
    pub(super) at_work: tokio::sync::RwLock<()>,
}

/// How many jobs that have ended are kept in memory; the journal has more.
const JOBS_IN_MEMORY: usize = 16;

impl BackupManager {
    /// Opens a manager. If no job of another process runs, the journal is brought up to date: jobs
    /// whose process has died become [`Interrupted`](super::JobState::Interrupted), and their
    /// unfinished files are removed. The server is not asked anything yet.
    ///
    /// # Errors
    /// - [`ErrorKind::Config`] for options that contradict each other.
    /// - [`ErrorKind::Io`] if the directory cannot be used.
    ///
    /// # Cancel safety
    /// Dropping the future leaves nothing behind.
    pub async fn open(
        connect: ConnectOptions,
        directory: BackupDir,
        options: ManagerOptions,
    ) -> Result<Self> {
        options.check()?;
        let (place, history) = (directory.clone(), options.history());
        let journal = super::blocking(move || Journal::open(&place, history)).await?;
        let inner = Inner {
            connect,
            directory,
            options,
            journal,
            cache: Cache::default(),
            slot: Slot::default(),
            jobs: Mutex::default(),
            closing: AtomicBool::new(false),
            upkeep: Context::new(),
            at_work: tokio::sync::RwLock::default(),
        };
        let manager = Self { inner: Arc::new(inner) };
        match Exclusive::take(&manager.inner.slot, &manager.inner.directory).await {
            Ok(exclusive) => {
                manager.settle().await?;
                exclusive.release().await;
            }
            Err(error) if error.kind() == ErrorKind::Busy => {}
            Err(error) => return Err(error),
        }
        Ok(manager)
    }

    /// The directory.
    #[must_use]
    pub fn directory(&self) -> &BackupDir {
        &self.inner.directory
    }

    /// The options.
    #[must_use]
    pub fn options(&self) -> &ManagerOptions {
        &self.inner.options
    }

    /// The handle of a job that was started by this manager or a clone of it, if it runs or is one
    /// of the last ones.
    #[must_use]
    pub fn handle(&self, id: JobId) -> Option<Job> {
        self.live(id)
    }

    /// The job of this manager that runs now.
    #[must_use]
    pub fn running(&self) -> Option<Job> {
        self.inner.lock_jobs().values().find(|job| !job.status().state.is_terminal()).cloned()
    }

    /// Starts no job and no pruning any more, and waits for what runs; with `cancel` it is cancelled
    /// first. A restore that has begun is rolled back before this returns.
    ///
    /// # Cancel safety
    /// Dropping the future stops only the waiting.
    pub async fn shutdown(&self, cancel: bool) {
        self.inner.closing.store(true, Ordering::SeqCst);
        while let Some(job) = self.running() {
            if cancel {
                job.cancel();
            }
            // How it ends is for those who started it.
            let _ = job.wait().await;
        }
        if cancel {
            self.inner.upkeep.cancel();
        }
        drop(self.inner.at_work.write().await);
    }

    pub(super) fn live(&self, id: JobId) -> Option<Job> {
        self.inner.lock_jobs().get(&id).cloned()
    }

    /// Fails for what is known without any work.
    pub(super) fn refuse_early(&self) -> Result<()> {
        self.inner.refuse_closing()?;
        refuse_taken(&self.inner.slot)
    }

    /// Puts right what a process that has died has left, for one who has the directory's lock.
    pub(super) async fn settle(&self) -> Result<()> {
        let inner = Arc::clone(&self.inner);
        super::blocking(move || {
            inner.directory.remove_partial_files()?;
            inner.journal.settle()?;
            inner.settle_latest();
            Ok(())
        })
        .await
    }
}

impl Inner {
    pub(super) fn lock_jobs(&self) -> std::sync::MutexGuard<'_, BTreeMap<JobId, Job>> {
        self.jobs.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Keeps a job where it can be asked for, as long as there is room for it. Fails if the manager
    /// is shutting down, which waits for the jobs that are here.
    pub(super) fn remember(&self, job: &Job) -> Result<()> {
        let mut jobs = self.lock_jobs();
        self.refuse_closing()?;
        while jobs.len() >= JOBS_IN_MEMORY {
            jobs.pop_first();
        }
        jobs.insert(job.id(), job.clone());
        Ok(())
    }

    pub(super) fn forget(&self, id: JobId) {
        self.lock_jobs().remove(&id);
    }

    pub(super) fn refuse_closing(&self) -> Result<()> {
        if self.closing.load(Ordering::SeqCst) {
            return Err(Error::new(ErrorKind::Cancelled, "the manager is shutting down"));
        }
        Ok(())
    }
}

impl fmt::Debug for BackupManager {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BackupManager")
            .field("connect", &self.inner.connect)
            .field("directory", &self.inner.directory)
            .field("options", &self.inner.options)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::job::RetentionPolicy;

    async fn manager() -> (tempfile::TempDir, BackupManager) {
        let scratch = tempfile::tempdir().unwrap();
        let directory = BackupDir::open(scratch.path()).unwrap();
        let options = ManagerOptions::default();
        let manager = BackupManager::open(ConnectOptions::new(), directory, options).await;
        (scratch, manager.unwrap())
    }

    #[tokio::test]
    async fn a_shutdown_waits_for_what_prunes_and_tells_it_to_stop() {
        for cancel in [false, true] {
            let (_scratch, manager) = manager().await;
            let pruning = manager.inner.at_work.read().await;
            let mut shutdown = Box::pin(manager.shutdown(cancel));
            let waited = tokio::time::timeout(std::time::Duration::from_millis(50), &mut shutdown);
            assert!(waited.await.is_err());
            assert_eq!(manager.inner.upkeep.is_cancelled(), cancel);
            drop(pruning);
            shutdown.await;
        }
    }

    #[tokio::test]
    async fn nothing_is_pruned_after_the_shutdown() {
        let (_scratch, manager) = manager().await;
        let policy = RetentionPolicy::new().keep_last(1);
        manager.prune(&policy, false).await.unwrap();
        manager.shutdown(false).await;
        for dry_run in [false, true] {
            let error = manager.prune(&policy, dry_run).await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Cancelled);
        }
    }
}
