//! What is written down about jobs, so that every job of every process can be asked about later:
//! one small JSON file a job, in a folder of the backup directory.

use std::fs::DirBuilder;
use std::io;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::id::JobId;
use super::status::{JobState, JobStatus, TargetState};
use crate::error::{Error, ErrorKind, Location, Result};
use crate::restore::Target;
use crate::store::{BackupDir, BackupName, remove_partial_files, replace_file};

const FOLDER: &str = ".snapdump-jobs";
const ENDING: &str = ".json";

/// The jobs of a backup directory.
#[derive(Clone, Debug)]
pub(super) struct Journal {
    folder: PathBuf,
    /// How many jobs that have ended are kept.
    kept: usize,
}

/// One job in the journal.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Record {
    pub(super) status: JobStatus,
    /// Present once a restore has begun to change its target, until that is whole again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) recovery: Option<Recovery>,
}

/// How to undo a restore.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Recovery {
    pub(super) targets: Vec<Target>,
    pub(super) restore_point: Option<BackupName>,
}

impl Recovery {
    /// The databases that the restore writes to.
    pub(super) fn names(&self) -> Vec<String> {
        self.targets.iter().map(|target| target.name.clone()).collect()
    }
}

impl Record {
    pub(super) const fn new(status: JobStatus, recovery: Option<Recovery>) -> Self {
        Self { status, recovery }
    }
}

impl Journal {
    pub(super) fn open(directory: &BackupDir, kept: usize) -> Result<Self> {
        let folder = directory.path().join(FOLDER);
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&folder)
            .map_err(|error| Error::io("could not make the journal of jobs", error))?;
        // A link would lead what is written about jobs, and what is removed, elsewhere.
        let found = folder.symlink_metadata().map_err(read_error)?;
        if !found.is_dir() {
            return Err(Error::config(
                "the journal of jobs is a link: put a directory in its place",
            )
            .at(|place| place.file = Some(folder.display().to_string())));
        }
        Ok(Self { folder, kept })
    }

    fn path(&self, id: JobId) -> PathBuf {
        self.folder.join(format!("{id}{ENDING}"))
    }

    pub(super) fn write(&self, record: &Record) -> Result<()> {
        let json = serde_json::to_vec_pretty(record).map_err(|error| {
            Error::new(ErrorKind::Internal, "could not write the journal").with_source(error)
        })?;
        replace_file(&self.path(record.status.id), &json)
    }

    pub(super) fn read(&self, id: JobId) -> Result<Option<Record>> {
        let place = |place: &mut Location| place.file = Some(self.path(id).display().to_string());
        let text = match std::fs::read(self.path(id)) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(read_error(error).at(place)),
        };
        serde_json::from_slice(&text).map(Some).map_err(|error| {
            Error::new(ErrorKind::Io, "a job in the journal cannot be read")
                .with_source(error)
                .at(place)
        })
    }

    /// The ids of all jobs, the newest first.
    pub(super) fn ids(&self) -> Result<Vec<JobId>> {
        let mut ids = Vec::new();
        for entry in self.folder.read_dir().map_err(read_error)? {
            let name = entry.map_err(read_error)?.file_name();
            let id = name.to_str().and_then(|name| name.strip_suffix(ENDING));
            ids.extend(id.and_then(|id| id.parse::<JobId>().ok()));
        }
        ids.sort_unstable_by(|one, other| other.cmp(one));
        Ok(ids)
    }

    /// All jobs, the newest first. One that cannot be read is left out, and said to the log.
    pub(super) fn records(&self) -> Result<Vec<Record>> {
        let mut records = Vec::new();
        for id in self.ids()? {
            match self.read(id) {
                Ok(record) => records.extend(record),
                Err(error) => tracing::warn!(%id, error = %error.chain(), "unreadable job"),
            }
        }
        Ok(records)
    }

    /// All jobs, the newest first, for one who would destroy something if a restore that was left
    /// half done was overlooked: fails when one cannot be read.
    pub(super) fn every_record(&self) -> Result<Vec<Record>> {
        let mut records = Vec::new();
        for id in self.ids()? {
            let record = self.read(id).map_err(|error| {
                let message = "it is not known whether a restore was left half done: put the file \
                               right, or remove it when the databases are as they should be";
                let place = error.location().clone();
                Error::new(ErrorKind::Io, message).with_source(error).at(|its| *its = place)
            })?;
            records.extend(record);
        }
        Ok(records)
    }

    /// Writes down what has become of restores that were left half done: of those that `which` picks.
    pub(super) fn settle_half_done(
        &self,
        target: TargetState,
        which: impl Fn(&JobStatus, &Recovery) -> bool,
    ) -> Result<()> {
        for mut record in self.records()? {
            if record.recovery.as_ref().is_some_and(|recovery| which(&record.status, recovery)) {
                record.recovery = None;
                record.status.target = Some(target);
                record.status.say();
                self.write(&record)?;
            }
        }
        Ok(())
    }

    /// Puts the journal in order, for one who has the directory's lock: then no other process
    /// runs a job, so what is not at its end was interrupted; and old jobs are forgotten.
    pub(super) fn settle(&self) -> Result<()> {
        remove_partial_files(&self.folder)?;
        let mut ended = 0;
        for mut record in self.records()? {
            if !record.status.state.is_terminal() {
                interrupt(&mut record.status, record.recovery.is_some());
                tracing::warn!(
                    id = %record.status.id,
                    kind = %record.status.kind,
                    half_done = record.status.is_half_done(),
                    "the process of a job has died"
                );
                // On a full disk it is shown so all the same, and tried again with the next job.
                if let Err(error) = self.write(&record) {
                    tracing::warn!(error = %error.chain(), "the journal was not written");
                }
            }
            // One that can still be rolled back is not forgotten.
            if record.recovery.is_none() {
                ended += 1;
                if ended > self.kept {
                    // It is tried again with the next job.
                    let _ = std::fs::remove_file(self.path(record.status.id));
                }
            }
        }
        Ok(())
    }
}

fn read_error(error: io::Error) -> Error {
    Error::io("could not read the journal", error)
}

/// Turns the status that a dead process has left into the one that stays.
pub(super) fn interrupt(status: &mut JobStatus, half_done: bool) {
    status.state = JobState::Interrupted;
    if half_done {
        status.target = Some(TargetState::Partial);
    }
    status.finished_at = Some(status.updated_at);
    status.updated_at = status.now();
    status.say();
}
