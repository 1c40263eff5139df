//! One operation at a time: in this process, among the processes that use the directory, and among
//! the hosts that use the database.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use super::obstacle::RunningJob;
use crate::context::Context;
use crate::error::{Error, ErrorKind, Result};
use crate::server::{Asked, OperationLock, Session};
use crate::store::{BackupDir, DirectoryLock};

/// How long the owner of the directory's lock is given to write down who it is.
const SIGNED_WITHIN: Duration = Duration::from_millis(500);
const LOOK_AGAIN: Duration = Duration::from_millis(10);

/// The one place for an operation of this process.
pub(super) type Slot = Arc<Mutex<Option<RunningJob>>>;

/// The right to be the one operation. Dropped, it is given up.
#[derive(Debug)]
pub(super) struct Exclusive {
    // In the order in which they are given up: the slot last.
    server: Option<OperationLock>,
    _directory: DirectoryLock,
    _slot: SlotGuard,
}

#[derive(Debug)]
struct SlotGuard {
    slot: Slot,
}

/// Fails if an operation of this process runs, without asking the disk.
pub(super) fn refuse_taken(slot: &Slot) -> Result<()> {
    refuse_beside(slot.lock().unwrap_or_else(PoisonError::into_inner).as_ref())
}

fn refuse_beside(running: Option<&RunningJob>) -> Result<()> {
    running.map_or(Ok(()), |running| Err(running.clone().busy()))
}

impl SlotGuard {
    fn take(slot: &Slot, job: &RunningJob) -> Result<Self> {
        let mut place = slot.lock().unwrap_or_else(PoisonError::into_inner);
        refuse_beside(place.as_ref())?;
        *place = Some(job.clone());
        Ok(Self { slot: Arc::clone(slot) })
    }
}

impl Drop for SlotGuard {
    fn drop(&mut self) {
        *self.slot.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }
}

impl Exclusive {
    /// Takes the slot of this process and the lock of the directory.
    pub(super) async fn take(slot: &Slot, directory: &BackupDir, job: &RunningJob) -> Result<Self> {
        let slot = SlotGuard::take(slot, job)?;
        let owner = serde_json::to_vec(job).map_err(|error| {
            Error::new(ErrorKind::Internal, "could not write the lock").with_source(error)
        })?;
        let (place, deadline) = (directory.clone(), tokio::time::Instant::now() + SIGNED_WITHIN);
        loop {
            let (place, owner) = (place.clone(), owner.clone());
            let tried = super::blocking(move || {
                Ok(match DirectoryLock::try_take(&place)? {
                    Some(mut lock) => {
                        // On a full disk it is as good without: somebody has to make room.
                        if let Err(error) = lock.sign(&owner) {
                            tracing::warn!(error = %error.chain(), "the lock is not signed");
                        }
                        Ok(lock)
                    }
                    None => Err(DirectoryLock::owner(&place)),
                })
            });
            match tried.await? {
                Ok(lock) => return Ok(Self { server: None, _directory: lock, _slot: slot }),
                Err(other) => {
                    if let Ok(running) = serde_json::from_slice::<RunningJob>(&other) {
                        return Err(running.busy());
                    }
                    if tokio::time::Instant::now() >= deadline {
                        return Err(Error::new(
                            ErrorKind::Busy,
                            "another process uses the backup directory",
                        ));
                    }
                    // Its owner is about to sign it, or has just gone.
                    tokio::time::sleep(LOOK_AGAIN).await;
                }
            }
        }
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
        let owner = serde_json::to_string(job).map_err(|error| {
            Error::new(ErrorKind::Internal, "could not write the lock").with_source(error)
        })?;
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
