//! One operation at a time: in this process, among the processes that use the directory, and among
//! the hosts that use the database.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::obstacle::RunningJob;
use crate::context::Context;
use crate::error::{Error, ErrorKind, Result};
use crate::server::{Asked, OperationLock, Session};
use crate::store::{BackupDir, DirectoryLock};

/// How long an operation without a name stands in the way until others are refused. Most are over by
/// then: a job that is about to begin, which has a name next, or a file being deleted. Pruning that
/// reads large backups is not.
const NAMED_WITHIN: Duration = Duration::from_millis(500);
const LOOK_AGAIN: Duration = Duration::from_millis(10);

/// The one place for an operation of this process.
pub(super) type Slot = Arc<Mutex<Option<Holder>>>;

/// Who has the slot or the lock of the directory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Holder {
    /// A job that is about to begin, which nobody can ask for yet, or what is no job: files being
    /// deleted or pruned.
    Nameless,
    /// A job that stands in the journal.
    Job(RunningJob),
}

impl Holder {
    /// Who has the lock of a directory, if anybody has. Blocks.
    pub(super) fn of(directory: &BackupDir) -> Option<Self> {
        match DirectoryLock::is_held(directory) {
            Ok(true) => Some(Self::read(&DirectoryLock::owner(directory))),
            _ => None,
        }
    }

    fn read(signature: &[u8]) -> Self {
        serde_json::from_slice(signature).map_or(Self::Nameless, Self::Job)
    }

    /// Fails at once for a job. What has no name may be over in a moment.
    fn refuse(&self) -> Result<()> {
        match self {
            Self::Job(running) => Err(running.clone().busy()),
            Self::Nameless => Ok(()),
        }
    }
}

/// The right to be the one operation. Dropped, it is given up.
#[derive(Debug)]
pub(super) struct Exclusive {
    // In the order in which they are given up: the slot last.
    server: Option<OperationLock>,
    directory: Option<DirectoryLock>,
    slot: SlotGuard,
}

#[derive(Debug)]
struct SlotGuard {
    slot: Slot,
}

/// Fails if a job of this process runs, without asking the disk.
pub(super) fn refuse_taken(slot: &Slot) -> Result<()> {
    lock(slot).as_ref().map_or(Ok(()), Holder::refuse)
}

fn lock(slot: &Slot) -> MutexGuard<'_, Option<Holder>> {
    slot.lock().unwrap_or_else(PoisonError::into_inner)
}

impl SlotGuard {
    /// `None` while something without a name has it.
    fn take(slot: &Slot) -> Result<Option<Self>> {
        let mut place = lock(slot);
        if let Some(holder) = place.as_ref() {
            return holder.refuse().map(|()| None);
        }
        *place = Some(Holder::Nameless);
        Ok(Some(Self { slot: Arc::clone(slot) }))
    }
}

impl Drop for SlotGuard {
    fn drop(&mut self) {
        *lock(&self.slot) = None;
    }
}

impl Exclusive {
    /// Takes the slot of this process and the lock of the directory.
    pub(super) async fn take(slot: &Slot, directory: &BackupDir) -> Result<Self> {
        let deadline = tokio::time::Instant::now() + NAMED_WITHIN;
        let slot = loop {
            match SlotGuard::take(slot)? {
                Some(taken) => break taken,
                None => look_again(deadline).await?,
            }
        };
        loop {
            let place = directory.clone();
            let tried = super::blocking(move || {
                Ok(DirectoryLock::try_take(&place)?
                    .ok_or_else(|| Holder::read(&DirectoryLock::owner(&place))))
            });
            match tried.await? {
                Ok(lock) => return Ok(Self { server: None, directory: Some(lock), slot }),
                Err(holder) => holder.refuse()?,
            }
            look_again(deadline).await?;
        }
    }

    /// Says which job it is, to everybody who is refused from now on: it has to be there for those
    /// who ask for it.
    pub(super) async fn sign(&mut self, job: &RunningJob) -> Result<()> {
        let owner = serde_json::to_vec(job).map_err(not_written)?;
        if let Some(mut lock) = self.directory.take() {
            let signing = super::blocking(move || {
                // On a full disk it is as good without: somebody has to make room.
                if let Err(error) = lock.sign(&owner) {
                    tracing::warn!(error = %error.chain(), "the lock is not signed");
                }
                Ok(lock)
            });
            self.directory = Some(signing.await?);
        }
        *lock(&self.slot.slot) = Some(Holder::Job(job.clone()));
        Ok(())
    }

    /// Takes the lock of the databases as well, on a connection of its own. When that is lost
    /// later, `context` fails.
    pub(super) async fn lock_databases(
        &mut self,
        session: Session,
        databases: &[String],
        job: &RunningJob,
        context: &Context,
    ) -> Result<()> {
        let owner = serde_json::to_string(job).map_err(not_written)?;
        match OperationLock::ask(session, databases, &owner, context).await? {
            Asked::Taken(lock) => {
                self.server = Some(*lock);
                Ok(())
            }
            Asked::Held(owner) => {
                let running = owner.and_then(|text| serde_json::from_str::<RunningJob>(&text).ok());
                Err(running.map_or_else(
                    || Error::new(ErrorKind::Busy, "another host works on the database"),
                    RunningJob::busy,
                ))
            }
        }
    }

    /// Whether the lock of the databases was there and is lost.
    pub(super) fn is_lost(&self) -> bool {
        self.server.as_ref().is_some_and(OperationLock::is_lost)
    }

    /// Gives everything up. All of it is free when this returns, if the server can be reached.
    pub(super) async fn release(mut self) {
        if let Some(server) = self.server.take() {
            server.release().await;
        }
    }
}

/// Waits a moment, unless that has been done for long enough.
async fn look_again(deadline: tokio::time::Instant) -> Result<()> {
    if tokio::time::Instant::now() >= deadline {
        return Err(Error::new(
            ErrorKind::Busy,
            "another operation uses the backup directory: a job that is about to begin, or backups \
             are being deleted or pruned",
        ));
    }
    tokio::time::sleep(LOOK_AGAIN).await;
    Ok(())
}

fn not_written(error: serde_json::Error) -> Error {
    Error::new(ErrorKind::Internal, "could not write the lock").with_source(error)
}
