//! Every job of every process that uses the directory, asked for by its id; and what becomes of
//! restores that were left half done.

use std::collections::BTreeMap;

use super::exclusive::{Exclusive, Holder};
use super::id::JobId;
use super::journal::{Record, Recovery, interrupt};
use super::manager::{BackupManager, Inner};
use super::obstacle::HalfDoneRestore;
use super::status::{JobKind, JobReport, JobStatus, TargetState};
use crate::error::{Error, ErrorKind, Result};

impl BackupManager {
    /// Every job of every process that uses the directory, the newest first. Of those that have
    /// ended, the journal keeps [as many](crate::ManagerOptions::with_history) as the options say.
    ///
    /// # Errors
    /// [`ErrorKind::Io`] if the journal cannot be read.
    ///
    /// # Cancel safety
    /// Dropping the future leaves nothing behind.
    pub async fn jobs(&self) -> Result<Vec<JobStatus>> {
        let (journal, directory) = (self.inner.journal.clone(), self.inner.directory.clone());
        let written = super::blocking(move || {
            let owner = Holder::of(&directory);
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
            let owner = Holder::of(&directory);
            let record = journal.read(id)?.ok_or_else(no_job)?;
            Ok(seen(record, owner.as_ref()))
        })
        .await
    }

    /// Takes a restore that was left half done as it is: because somebody has put the databases right
    /// by hand, say. Backups of them are made again, and its restore point is a backup like others.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`] when there is no such job; [`ErrorKind::Config`] when it is no restore
    /// that is half done; [`ErrorKind::Busy`] when an operation is running; [`ErrorKind::Io`] if the
    /// journal cannot be written.
    ///
    /// # Cancel safety
    /// Dropping the future may leave it accepted or not.
    pub async fn accept(&self, job: JobId) -> Result<JobStatus> {
        self.half_done(job).await?;
        let inner = &self.inner;
        let _exclusive = Exclusive::take(&inner.slot, &inner.directory).await?;
        self.settle().await?;
        let recovery = self.half_done(job).await?;
        let journal = inner.journal.clone();
        super::blocking(move || {
            journal.settle_half_done(TargetState::Accepted, |status, its| {
                status.id == job || *its == recovery
            })
        })
        .await?;
        tracing::warn!(id = %job, "a restore that was left half done is taken as it is");
        self.job(job).await
    }

    /// How to undo a restore that was left half done.
    pub(super) async fn half_done(&self, job: JobId) -> Result<Recovery> {
        let journal = self.inner.journal.clone();
        let record = super::blocking(move || journal.read(job)).await?.ok_or_else(no_job)?;
        record.recovery.ok_or_else(|| {
            Error::config("this job is no restore that was left half done: nothing to roll back")
        })
    }

    /// All restores that were left half done, or are running.
    pub(super) async fn half_done_restores(&self) -> Result<Vec<HalfDoneRestore>> {
        let journal = self.inner.journal.clone();
        let records = super::blocking(move || journal.every_record()).await?;
        // A roll-back that did not succeed says nothing that the restore does not say.
        let restores = records.iter().filter(|record| record.status.kind == JobKind::Restore);
        Ok(restores.filter_map(HalfDoneRestore::in_record).collect())
    }

    /// Fails if a restore was left half done in one of these databases.
    pub(super) async fn refuse_half_done(&self, names: &[String]) -> Result<()> {
        let mut half_done = self.half_done_restores().await?.into_iter();
        half_done.find(|found| found.concerns(names)).map_or(Ok(()), |found| {
            Err(found.error("a restore was left half done, and would be backed up as it is"))
        })
    }
}

impl Inner {
    /// After a restore or a rollback: what was left half done in the same databases since is so no
    /// more, nor is what had the same way back.
    pub(super) async fn forget_half_done(&self, done: &JobStatus, names: &[String]) -> Result<()> {
        let since = match &done.report {
            Some(JobReport::Restored { .. }) => None,
            Some(JobReport::RolledBack { job, .. }) => Some(*job),
            _ => return Ok(()),
        };
        let (journal, names, this) = (self.journal.clone(), names.to_vec(), done.id);
        super::blocking(move || {
            journal.settle_half_done(TargetState::Superseded, |status, recovery| {
                let covered = recovery.targets.iter().all(|target| names.contains(&target.name));
                let newer = since.is_none_or(|since| status.id > since);
                covered && newer && status.id != this
            })
        })
        .await
    }
}

/// A record as it is to be seen: a job that has not ended and does not run was interrupted.
fn seen(record: Record, running: Option<&Holder>) -> JobStatus {
    let mut status = record.status;
    let runs = match running {
        Some(Holder::Job(job)) => job.id == status.id,
        // It may be the one that begins now.
        Some(Holder::Nameless) => true,
        None => false,
    };
    if !status.state.is_terminal() && !runs {
        interrupt(&mut status, record.recovery.is_some());
    }
    status
}

fn no_job() -> Error {
    Error::new(ErrorKind::NotFound, "there is no such job")
}
