//! Starting jobs: the locks, the room on the disk, and what stands in the way.

use std::sync::Arc;
use std::time::Duration;

use chrono::Utc;
use tracing::Instrument as _;

use super::exclusive::Exclusive;
use super::handle::{Job, Shared};
use super::id::JobId;
use super::manager::{BackupManager, Inner};
use super::obstacle::RunningJob;
use super::operation::Operation;
use super::options::{CreateRequest, RestoreRequest};
use super::status::{JobKind, JobOwner, JobStatus};
use super::task::{Task, no_space};
use crate::archive::inspect_file;
use crate::context::Context;
use crate::dump::Databases;
use crate::error::{Error, ErrorKind, Result};
use crate::server::Session;
use crate::store::{BackupKind, BackupName};

/// How long a server may take to notice that a connection which sleeps in a statement is dead. Both
/// families look every five seconds.
const DEATH_NOTICED_WITHIN: Duration = Duration::from_secs(15);
const LOOK_AGAIN: Duration = Duration::from_millis(250);

impl BackupManager {
    /// Starts a backup. When this returns, the job has all its locks and runs.
    ///
    /// # Errors
    /// Nothing has begun then, and nothing is in the journal:
    /// - [`ErrorKind::Busy`]: an operation is running; see [`RunningJob::of`].
    /// - [`ErrorKind::HalfDone`]: a restore was left half done in one of these databases, so this
    ///   would be a backup of neither what was there nor what was to come, and the newest one. First
    ///   [roll it back](Self::roll_back), restore a backup, or [accept](Self::accept) it.
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
    /// [`ErrorKind::Manifest`] when it is a fragment of one, [`ErrorKind::RestorePoint`] when the
    /// disk cannot hold the restore point. Nothing has begun then. A restore that was left half done
    /// does not stand in the way: this one takes its place when it completes.
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
        let options = inner.options.restore_options();
        let mut names: Vec<_> = inner.connect.database().map(str::to_owned).into_iter().collect();
        match footer {
            Some(footer) if footer.manifest.names_databases => {
                for database in &footer.manifest.databases {
                    let name = &database.name;
                    // Whether case matters to the server is not known yet: a lock too many does no
                    // harm.
                    let same = |from: &str| from.to_lowercase() == name.to_lowercase();
                    let renames = options.renames();
                    names.extend(
                        renames.iter().filter(|(from, _)| same(from)).map(|(_, to)| to.clone()),
                    );
                    if !renames.contains_key(name) {
                        names.push(name.clone());
                    }
                }
            }
            // Where a script goes is known only once it has been read.
            None if options.other_databases() => names = vec![String::new()],
            Some(_) | None => {}
        }
        if names.is_empty() {
            names = self.own_database();
        }
        let start = self.start(JobKind::Restore, request.timeout(), names).await?;
        let mut options = options.clone().with_restore_point_directory(inner.directory.path());
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
    /// As [`verify`](Self::verify), and those of the server of [`create`](Self::create); [`ErrorKind::NotFound`] when there is no such job;
    /// [`ErrorKind::Config`] when it is no restore that is half done.
    ///
    /// # Cancel safety
    /// Dropping the future gives all locks back.
    pub async fn roll_back(&self, job: JobId) -> Result<Job> {
        self.refuse_early()?;
        let names = self.half_done(job).await?.names();
        let start = self.start(JobKind::RollBack, None, names).await?;
        // Only now nobody else can be about to do the same.
        let recovery = match self.half_done(job).await {
            Ok(recovery) => recovery,
            Err(error) => return start.give_up(error).await,
        };
        self.go(start, recovery.restore_point.clone(), Operation::RollBack { job, recovery }).await
    }

    fn own_database(&self) -> Vec<String> {
        vec![self.inner.connect.database().unwrap_or_default().to_owned()]
    }

    /// Takes all locks, and makes sure that there is room. When it fails they are free again.
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
        let journal = inner.journal.clone();
        let last = super::blocking(move || Ok(journal.ids()?.first().copied())).await?;
        let status = JobStatus::new(JobId::after(last), kind, JobOwner::this_process());
        let exclusive = Exclusive::take(&inner.slot, &inner.directory).await?;
        let mut start = Start { status, context, exclusive, databases };
        match self.prepare(&mut start, kind).await {
            Ok(()) => Ok(start),
            Err(error) => start.give_up(error).await,
        }
    }

    /// Makes sure that a job that is alone in the directory can begin.
    async fn prepare(&self, start: &mut Start, kind: JobKind) -> Result<()> {
        let inner = &self.inner;
        let Start { status, context, exclusive, databases } = start;
        // Whatever ran before has ended by now.
        status.updated_at = status.now();
        status.started_at = status.updated_at;
        let job = &RunningJob::from(&*status);
        self.settle().await?;
        if kind == JobKind::Create {
            self.refuse_half_done(databases).await?;
        }
        if kind != JobKind::Verify {
            let work = inner.lock_databases(exclusive, databases, job, context);
            let bytes = context.run(work).await??;
            if kind != JobKind::RollBack {
                let room = inner.check_space(bytes, databases).await;
                status.estimated_bytes = Some(match room {
                    Err(error) if kind == JobKind::Restore => return Err(not_saved(error)),
                    room => room?,
                });
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
        Ok(())
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
        let job = Job(Arc::clone(&shared));
        // From here on the job comes to its end by its task.
        let mut task =
            Task::new(Arc::clone(inner), shared, operation, exclusive, databases.clone());
        if let Err(error) = inner.remember(&job) {
            return task.give_up(error).await;
        }
        if let Err(error) = task.announce().await {
            inner.forget(job.id());
            return task.give_up(error).await;
        }
        // Of its own: whatever the caller is in ends long before the job does.
        let span = tracing::info_span!(
            parent: None,
            "job",
            id = %job.id(),
            kind = %job.status().kind,
            database = %shown(&databases),
        );
        span.follows_from(tracing::Span::current());
        tokio::spawn(task.run().instrument(span));
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

impl Start {
    /// Gives the locks back before the error is told: whoever hears of it may begin the next job.
    async fn give_up<T>(self, error: Error) -> Result<T> {
        self.exclusive.release().await;
        Err(error)
    }
}

impl Inner {
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
        let estimate = match last {
            // Nothing is there, so nothing will be saved.
            _ if data_bytes == 0 => 0,
            Some(last) => last.saturating_add(last / 8),
            None => data_bytes / 2,
        };
        let needed = estimate.saturating_add(self.options.reserve());
        if free < needed { Err(no_space(free, needed)) } else { Ok(estimate) }
    }
}

/// The databases of a job, for a log.
fn shown(databases: &[String]) -> String {
    match databases {
        [] => "none".to_owned(),
        names if names.iter().any(String::is_empty) => "all".to_owned(),
        names => crate::ident::one_line(&names.join(",")),
    }
}

/// There is no room for the restore point: the same that a job says which finds that out later.
fn not_saved(error: Error) -> Error {
    let message = "what is in the target cannot be saved, so nothing is restored";
    Error::new(ErrorKind::RestorePoint, message).with_source(error)
}
