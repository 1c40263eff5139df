//! The manager: starts jobs, knows them all, and looks after the directory.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::Range;
use std::str::FromStr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use chrono::Utc;

use super::exclusive::{Exclusive, Slot};
use super::handle::{Job, Shared};
use super::id::JobId;
use super::journal::{Journal, interrupt};
use super::list::{BackupList, Cache, ListRequest};
use super::operation::Operation;
use super::options::{CreateRequest, ManagerOptions, RestoreRequest};
use super::prune::{PruneReport, RetentionPolicy, decide};
use super::reader::BackupReader;
use super::status::{JobKind, JobOwner, JobStatus, RunningJob, TargetState};
use super::task::{Task, no_space};
use crate::archive::inspect_file;
use crate::context::Context;
use crate::dump::Databases;
use crate::error::{Error, ErrorKind, Result};
use crate::server::{ConnectOptions, Session};
use crate::store::{BackupDir, BackupKind, BackupName};

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
    inner: Arc<Inner>,
}

pub(super) struct Inner {
    pub(super) connect: ConnectOptions,
    pub(super) directory: BackupDir,
    pub(super) options: ManagerOptions,
    pub(super) journal: Journal,
    cache: Cache,
    slot: Slot,
    /// The jobs of this process: the one that runs, and the last ones.
    jobs: Mutex<BTreeMap<JobId, Job>>,
    closing: AtomicBool,
}

/// How long a server may take to notice that a connection which sleeps in a statement is dead. Both
/// families look every five seconds.
const DEATH_NOTICED_WITHIN: Duration = Duration::from_secs(15);
const LOOK_AGAIN: Duration = Duration::from_millis(250);

/// How many jobs that have ended are kept in memory; the journal has more.
const JOBS_IN_MEMORY: usize = 16;

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
        };
        let manager = Self { inner: Arc::new(inner) };
        let nobody = new_job();
        match Exclusive::take(&manager.inner.slot, &manager.inner.directory, &nobody).await {
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

    /// Starts a backup. When this returns, the job has all its locks and runs.
    ///
    /// # Errors
    /// Nothing has begun then, and nothing is in the journal:
    /// - [`ErrorKind::Busy`]: an operation is running; see [`RunningJob::of`].
    /// - [`ErrorKind::NoSpace`]: the disk cannot hold the backup, as far as can be estimated.
    /// - [`ErrorKind::Connect`], [`ErrorKind::Auth`], [`ErrorKind::Privilege`],
    ///   [`ErrorKind::Config`], [`ErrorKind::Server`], [`ErrorKind::Protocol`]: no session with the
    ///   server.
    /// - [`ErrorKind::TimedOut`]: the server did not answer within the time of the job.
    /// - [`ErrorKind::Io`]: the directory cannot be used.
    /// - [`ErrorKind::Cancelled`]: the manager is shutting down.
    ///
    /// # Cancel safety
    /// Dropping the future gives all locks back.
    pub async fn create(&self, request: CreateRequest) -> Result<Job> {
        let inner = &self.inner;
        let names = match inner.options.dump_options().databases() {
            Databases::Named(names) => names.clone(),
            Databases::All => vec![String::new()],
            _ => self.own_database(),
        };
        let start = self.start(JobKind::Create, request.timeout(), names).await?;
        let directory = inner.directory.clone();
        let file = super::blocking(move || directory.unused_name(BackupKind::Manual, Utc::now()));
        let file = file.await?;
        let options = inner.options.dump_options().clone().with_overwrite(false);
        self.go(start, Some(file.clone()), Operation::Create { file, options }).await
    }

    /// Starts the restore of a backup into the database of the connection, or into the databases
    /// that the file names. The whole file is checked first; then what is there is saved into a
    /// restore point, and that verified; then the statements are sent, and the result compared.
    /// When that fails, is cancelled or runs out of time after the first statement, the restore
    /// point is put back.
    ///
    /// # Errors
    /// As [`create`](Self::create), and [`ErrorKind::NotFound`] when there is no such backup,
    /// [`ErrorKind::Manifest`] when it is a fragment of one. Nothing has begun then.
    ///
    /// # Cancel safety
    /// Dropping the future gives all locks back.
    pub async fn restore(&self, request: RestoreRequest) -> Result<Job> {
        let inner = &self.inner;
        let file = request.file().clone();
        let (directory, name) = (inner.directory.clone(), file.clone());
        let footer = super::blocking(move || {
            let at = |error: Error| error.at(|place| place.file = Some(name.to_string()));
            inspect_file(&mut directory.open_file(&name)?).map_err(at)
        })
        .await?;
        let mut names = self.own_database();
        if let Some(footer) = footer
            && footer.manifest.names_databases
        {
            names.extend(footer.manifest.databases.iter().map(|database| database.name.clone()));
        }
        let start = self.start(JobKind::Restore, request.timeout(), names).await?;
        let mut options = inner
            .options
            .restore_options()
            .clone()
            .with_restore_point_directory(inner.directory.path());
        if let Some(mode) = request.mode() {
            options = options.with_mode(mode);
        }
        let rollback = request.rollback();
        let operation = Operation::Restore { file: file.clone(), options, rollback };
        self.go(start, Some(file), operation).await
    }

    /// Starts the verification of a backup: every byte is read. The server is not asked anything.
    ///
    /// # Errors
    /// [`ErrorKind::Busy`], [`ErrorKind::NotFound`], [`ErrorKind::Io`], [`ErrorKind::Cancelled`],
    /// as [`restore`](Self::restore).
    ///
    /// # Cancel safety
    /// Dropping the future gives all locks back.
    pub async fn verify(&self, file: BackupName) -> Result<Job> {
        let (directory, name) = (self.inner.directory.clone(), file.clone());
        super::blocking(move || directory.open_file(&name)).await?;
        let start = self.start(JobKind::Verify, None, Vec::new()).await?;
        self.go(start, Some(file.clone()), Operation::Verify { file }).await
    }

    /// Starts putting back what was there before a restore that was left
    /// [half done](JobStatus::is_half_done), because its process died or its rollback failed.
    /// Everything that is in those databases now goes.
    ///
    /// # Errors
    /// As [`create`](Self::create); [`ErrorKind::NotFound`] when there is no such job;
    /// [`ErrorKind::Config`] when it is no restore that is half done.
    ///
    /// # Cancel safety
    /// Dropping the future gives all locks back.
    pub async fn roll_back(&self, job: JobId) -> Result<Job> {
        self.refuse_early()?;
        let names = self.half_done(job).await?.1;
        let start = self.start(JobKind::RollBack, None, names).await?;
        // Only now nobody else can be about to do the same.
        let (recovery, _) = self.half_done(job).await?;
        self.go(start, recovery.restore_point.clone(), Operation::RollBack { job, recovery }).await
    }

    async fn half_done(&self, job: JobId) -> Result<(super::journal::Recovery, Vec<String>)> {
        let journal = self.inner.journal.clone();
        let record = super::blocking(move || journal.read(job)).await?.ok_or_else(no_job)?;
        let recovery = record.recovery.ok_or_else(|| {
            Error::config("this job is no restore that was left half done: nothing to roll back")
        })?;
        let names = recovery.targets.iter().map(|target| target.name.clone()).collect();
        Ok((recovery, names))
    }

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
    /// link, [`ErrorKind::Busy`] when a running job needs it, or runs in another process,
    /// [`ErrorKind::Io`] if it cannot be deleted.
    ///
    /// # Cancel safety
    /// Dropping the future may leave the backup deleted or not.
    pub async fn delete(&self, file: &BackupName, _: DeleteConfirmation) -> Result<u64> {
        let job = new_job();
        // Held until the backup is gone, so that no job comes to need it meanwhile.
        let _exclusive = match Exclusive::take(&self.inner.slot, &self.inner.directory, &job).await
        {
            Ok(exclusive) => Some(exclusive),
            Err(error) => {
                let running = RunningJob::of(&error).and_then(|running| self.live(running.id));
                let needed = running.is_none_or(|job| {
                    let status = job.status();
                    status.file.as_ref() == Some(file)
                        || status.restore_point.as_ref() == Some(file)
                });
                if error.kind() != ErrorKind::Busy || needed {
                    return Err(error);
                }
                None
            }
        };
        let bytes = self.inner.remove(file).await?;
        tracing::info!(%file, bytes, "backup deleted");
        Ok(bytes)
    }

    /// Removes the backups that a policy does not keep, and says why the others stay. With
    /// `dry_run` it only says what it would do.
    ///
    /// # Errors
    /// [`ErrorKind::Busy`] when an operation is running, unless it is a dry run;
    /// [`ErrorKind::Io`] if the directory cannot be read or a backup cannot be deleted.
    ///
    /// # Cancel safety
    /// Dropping the future can leave some of the backups removed.
    pub async fn prune(&self, policy: &RetentionPolicy, dry_run: bool) -> Result<PruneReport> {
        let inner = &self.inner;
        let _exclusive = if dry_run {
            None
        } else {
            let exclusive = Exclusive::take(&inner.slot, &inner.directory, &new_job()).await?;
            // What a dead job has left may be needed.
            self.settle().await?;
            Some(exclusive)
        };
        let (cache, directory) = (inner.cache.clone(), inner.directory.clone());
        let (journal, policy) = (inner.journal.clone(), policy.clone());
        let report = super::blocking(move || {
            let needed = journal
                .records()?
                .into_iter()
                .filter_map(|record| record.recovery?.restore_point)
                .collect();
            Ok(decide(&policy, &cache.all(&directory)?, &needed, Utc::now()))
        })
        .await?;
        if !dry_run {
            for file in &report.removed {
                let bytes = inner.remove(file).await?;
                tracing::info!(%file, bytes, "backup pruned");
            }
        }
        Ok(report)
    }

    /// Every job of every process that uses the directory, the newest first. Of those that have
    /// ended, the journal keeps [as many](ManagerOptions::with_history) as the options say.
    ///
    /// # Errors
    /// [`ErrorKind::Io`] if the journal cannot be read.
    ///
    /// # Cancel safety
    /// Dropping the future leaves nothing behind.
    pub async fn jobs(&self) -> Result<Vec<JobStatus>> {
        let (journal, directory) = (self.inner.journal.clone(), self.inner.directory.clone());
        let written = super::blocking(move || {
            let owner = running_owner(&directory);
            let records = journal.records()?;
            Ok(records.into_iter().map(|record| seen(record, owner.as_ref())).collect::<Vec<_>>())
        });
        let mut all: BTreeMap<JobId, JobStatus> =
            written.await?.into_iter().map(|status| (status.id, status)).collect();
        for (id, job) in self.inner.lock_jobs().iter() {
            let status = job.status();
            // What became of it later is in the journal.
            if !status.is_half_done() {
                all.insert(*id, status);
            }
        }
        Ok(all.into_values().rev().collect())
    }

    /// How a job of any process is, or was when it was last written down.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`] when there is no such job; [`ErrorKind::Io`] if the journal cannot be
    /// read.
    ///
    /// # Cancel safety
    /// Dropping the future leaves nothing behind.
    pub async fn job(&self, id: JobId) -> Result<JobStatus> {
        if let Some(job) = self.live(id)
            && !job.status().is_half_done()
        {
            return Ok(job.status());
        }
        let (journal, directory) = (self.inner.journal.clone(), self.inner.directory.clone());
        super::blocking(move || {
            let owner = running_owner(&directory);
            let record = journal.read(id)?.ok_or_else(no_job)?;
            Ok(seen(record, owner.as_ref()))
        })
        .await
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

    /// Starts no job any more, and waits for the one that runs; with `cancel` it is cancelled
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
    }

    fn live(&self, id: JobId) -> Option<Job> {
        self.inner.lock_jobs().get(&id).cloned()
    }

    fn own_database(&self) -> Vec<String> {
        vec![self.inner.connect.database().unwrap_or_default().to_owned()]
    }

    fn refuse_early(&self) -> Result<()> {
        if self.inner.closing.load(Ordering::SeqCst) {
            return Err(Error::new(ErrorKind::Cancelled, "the manager is shutting down"));
        }
        Ok(())
    }

    async fn settle(&self) -> Result<()> {
        let (journal, directory) = (self.inner.journal.clone(), self.inner.directory.clone());
        super::blocking(move || {
            directory.remove_partial_files()?;
            journal.settle()
        })
        .await
    }

    /// Takes all locks, and makes sure that there is room.
    async fn start(
        &self,
        kind: JobKind,
        timeout: Option<Duration>,
        databases: Vec<String>,
    ) -> Result<Start> {
        self.refuse_early()?;
        let inner = &self.inner;
        let timeout = timeout.unwrap_or_else(|| inner.options.timeout(kind));
        let context = Context::new().with_timeout(timeout);
        let mut status = JobStatus::new(JobId::new(), kind, JobOwner::this_process());
        let job = RunningJob::from(&status);
        let mut exclusive = Exclusive::take(&inner.slot, &inner.directory, &job).await?;
        // Whatever ran before has ended by now.
        status.started_at = Utc::now();
        self.settle().await?;
        if kind != JobKind::Verify {
            let work = inner.lock_databases(&mut exclusive, &databases, &job, &context);
            let bytes = context.run(work).await??;
            if kind != JobKind::RollBack {
                status.estimated_bytes = Some(inner.check_space(bytes, &databases).await?);
            }
        }
        let journal = inner.journal.clone();
        let last = super::blocking(move || journal.records()).await?;
        status.estimated_seconds = last.iter().find_map(|record| {
            let last = &record.status;
            let took = last.finished_at? - last.started_at;
            (last.kind == kind && last.report.is_some())
                .then(|| u64::try_from(took.num_seconds().saturating_add(1)).ok())?
        });
        Ok(Start { status, context, exclusive, databases })
    }

    /// Sets a job going.
    async fn go(
        &self,
        start: Start,
        file: Option<BackupName>,
        operation: Operation,
    ) -> Result<Job> {
        let inner = &self.inner;
        let Start { mut status, context, exclusive, databases } = start;
        status.file = file;
        status.say();
        let shared = Arc::new(Shared::new(status, context, inner.journal.clone()));
        shared.write().await?;
        let job = Job(Arc::clone(&shared));
        {
            let mut jobs = inner.lock_jobs();
            while jobs.len() >= JOBS_IN_MEMORY {
                jobs.pop_first();
            }
            jobs.insert(job.id(), job.clone());
        }
        let task =
            Task { inner: Arc::clone(inner), shared, operation, exclusive, lock_names: databases };
        tokio::spawn(task.run());
        Ok(job)
    }
}

/// A job that has its locks and has not begun.
struct Start {
    status: JobStatus,
    context: Context,
    exclusive: Exclusive,
    databases: Vec<String>,
}

impl Inner {
    fn lock_jobs(&self) -> std::sync::MutexGuard<'_, BTreeMap<JobId, Job>> {
        self.jobs.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes the lock of databases, and returns how many bytes they have on the server.
    pub(super) async fn lock_databases(
        &self,
        exclusive: &mut Exclusive,
        databases: &[String],
        job: &RunningJob,
        context: &Context,
    ) -> Result<u64> {
        // The lock outlives the context, which may be cancelled long before it is given back.
        let own = Context::new();
        // A database that is gone may be what a rollback brings back.
        let connect = match job.kind {
            JobKind::RollBack => self.connect.clone().without_database(),
            _ => self.connect.clone(),
        };
        let deadline = tokio::time::Instant::now() + DEATH_NOTICED_WITHIN;
        loop {
            let mut session = Session::open(&connect, &own).await?;
            let bytes = session.data_bytes(databases).await?;
            match exclusive.lock_databases(session, databases, job, context).await {
                Ok(()) => return Ok(bytes),
                Err(error) if tokio::time::Instant::now() < deadline => {
                    // A job of this directory cannot be running: its lock is ours. So this one is
                    // dead, and the server is about to notice.
                    let Some(other) = RunningJob::of(&error).map(|other| other.id) else {
                        return Err(error);
                    };
                    let journal = self.journal.clone();
                    if super::blocking(move || journal.read(other)).await?.is_none() {
                        return Err(error);
                    }
                    tokio::time::sleep(LOOK_AGAIN).await;
                }
                Err(error) => return Err(error),
            }
        }
    }

    /// Estimates the length of a backup, and fails if the disk cannot hold it.
    async fn check_space(&self, data_bytes: u64, databases: &[String]) -> Result<u64> {
        let (cache, directory) = (self.cache.clone(), self.directory.clone());
        let databases = databases.to_vec();
        let (free, last) = super::blocking(move || {
            let last = cache
                .all(&directory)?
                .into_iter()
                .find(|info| info.is_whole() && info.databases == databases);
            Ok((directory.free_bytes()?, last.map(|info| info.size_bytes)))
        })
        .await?;
        // The next backup is a little larger than the last. Without one: text is about as long as
        // the server's pages, and packs to a third or better; a half is on the safe side.
        let estimate = last.map_or(data_bytes / 2, |last| last.saturating_add(last / 8));
        let needed = estimate.saturating_add(self.options.reserve());
        if free < needed { Err(no_space(free, needed)) } else { Ok(estimate) }
    }

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
            let bytes = directory.remove(&file)?;
            directory.forget_latest(&file, next.map(|info| &info.name))?;
            Ok(bytes)
        })
        .await
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

    /// After a restore or a rollback: what was left half done in the same databases since is so no
    /// more.
    pub(super) async fn forget_half_done(&self, done: &JobStatus, names: &[String]) -> Result<()> {
        let since = match &done.report {
            Some(super::JobReport::Restored { .. }) => None,
            Some(super::JobReport::RolledBack { job, .. }) => Some(*job),
            _ => return Ok(()),
        };
        let (journal, names, this) = (self.journal.clone(), names.to_vec(), done.id);
        super::blocking(move || {
            for mut record in journal.records()? {
                let Some(recovery) = &record.recovery else { continue };
                let covered = recovery.targets.iter().all(|target| names.contains(&target.name));
                let newer = since.is_none_or(|since| record.status.id > since);
                if covered && newer && record.status.id != this {
                    record.recovery = None;
                    record.status.target = Some(TargetState::Superseded);
                    record.status.say();
                    journal.write(&record)?;
                }
            }
            Ok(())
        })
        .await
    }
}

/// The job that has the directory's lock now; blocks.
fn running_owner(directory: &BackupDir) -> Option<JobId> {
    use crate::store::DirectoryLock;
    // Whoever can take the lock knows that nobody has it.
    match DirectoryLock::try_take(directory) {
        Ok(None) => {
            let owner: RunningJob =
                serde_json::from_slice(&DirectoryLock::owner(directory)).ok()?;
            Some(owner.id)
        }
        _ => None,
    }
}

/// A record as it is to be seen: a job that has not ended and does not run was interrupted.
fn seen(record: super::journal::Record, running: Option<&JobId>) -> JobStatus {
    let mut status = record.status;
    if !status.state.is_terminal() && running != Some(&status.id) {
        interrupt(&mut status, record.recovery.is_some());
    }
    status
}

/// What stands in the lock while there is something to do that is no job.
fn new_job() -> RunningJob {
    RunningJob::from(&JobStatus::new(JobId::new(), JobKind::Verify, JobOwner::this_process()))
}

fn no_job() -> Error {
    Error::new(ErrorKind::NotFound, "there is no such job")
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
