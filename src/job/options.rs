//! How a manager works, and what a job is asked to do.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::hooks::{AnyHooks, JobHooks};
use super::status::JobKind;
use crate::archive::Compression;
use crate::dump::DumpOptions;
use crate::error::{Error, Result};
use crate::restore::{RestoreMode, RestoreOptions};
use crate::store::BackupName;

/// How long a job may take unless the options say otherwise.
const DEFAULT_TIMEOUT: Duration = Duration::from_secs(600);

/// Options of a [`BackupManager`](super::BackupManager). The defaults are the safe ones.
///
/// | option | default |
/// |---|---|
/// | [`with_dump_options`](Self::with_dump_options) | those of [`DumpOptions`] |
/// | [`with_restore_options`](Self::with_restore_options) | those of [`RestoreOptions`] |
/// | [`with_timeout`](Self::with_timeout) | 10 minutes for each kind of job |
/// | [`with_verification`](Self::with_verification) | a new backup is read back |
/// | [`with_reserve`](Self::with_reserve) | 64 MiB of the disk stay free |
/// | [`with_history`](Self::with_history) | 200 jobs |
/// | [`with_hooks`](Self::with_hooks) | none |
/// | [`with_hook_timeout`](Self::with_hook_timeout) | 10 minutes |
#[derive(Clone)]
pub struct ManagerOptions {
    dump: DumpOptions,
    restore: RestoreOptions,
    timeouts: [Duration; 4],
    verification: bool,
    reserve_bytes: u64,
    history: usize,
    hooks: Option<Arc<dyn AnyHooks>>,
    hook_timeout: Duration,
}

impl Default for ManagerOptions {
    fn default() -> Self {
        Self {
            dump: DumpOptions::default(),
            restore: RestoreOptions::default(),
            timeouts: [DEFAULT_TIMEOUT; 4],
            verification: true,
            reserve_bytes: 64 << 20,
            history: 200,
            hooks: None,
            hook_timeout: DEFAULT_TIMEOUT,
        }
    }
}

impl ManagerOptions {
    /// What backups hold and how they are written. They are always compressed by gzip, and never
    /// replace a file.
    #[must_use]
    pub fn with_dump_options(mut self, options: DumpOptions) -> Self {
        self.dump = options;
        self
    }

    /// How backups are restored. The restore point is always written into the backup directory.
    #[must_use]
    pub fn with_restore_options(mut self, options: RestoreOptions) -> Self {
        self.restore = options;
        self
    }

    /// How long a job of a kind may take, from its start; at its end it is stopped as if it had
    /// been cancelled. The time of [`JobKind::RollBack`] is also that of the rollback after a
    /// restore that did not succeed.
    #[must_use]
    pub fn with_timeout(mut self, kind: JobKind, timeout: Duration) -> Self {
        let [create, restore, verify, roll_back] = &mut self.timeouts;
        *match kind {
            JobKind::Create => create,
            JobKind::Restore => restore,
            JobKind::Verify => verify,
            JobKind::RollBack => roll_back,
        } = timeout;
        self
    }

    /// Whether a new backup is read back and verified before its job completes. A restore point
    /// always is.
    #[must_use]
    pub fn with_verification(mut self, verification: bool) -> Self {
        self.verification = verification;
        self
    }

    /// How many bytes of the disk have to stay free. A job that would need more does not start,
    /// and one that comes to need more is stopped.
    #[must_use]
    pub fn with_reserve(mut self, bytes: u64) -> Self {
        self.reserve_bytes = bytes;
        self
    }

    /// How many jobs that have ended the journal keeps.
    #[must_use]
    pub fn with_history(mut self, jobs: usize) -> Self {
        self.history = jobs;
        self
    }

    /// What is called when jobs start and end.
    #[must_use]
    pub fn with_hooks(mut self, hooks: impl JobHooks + 'static) -> Self {
        self.hooks = Some(Arc::new(hooks));
        self
    }

    /// How long one call of a hook may take.
    #[must_use]
    pub fn with_hook_timeout(mut self, timeout: Duration) -> Self {
        self.hook_timeout = timeout;
        self
    }

    /// What backups hold.
    #[must_use]
    pub const fn dump_options(&self) -> &DumpOptions {
        &self.dump
    }

    /// How backups are restored.
    #[must_use]
    pub const fn restore_options(&self) -> &RestoreOptions {
        &self.restore
    }

    /// How long a job of a kind may take.
    #[must_use]
    pub const fn timeout(&self, kind: JobKind) -> Duration {
        let [create, restore, verify, roll_back] = self.timeouts;
        match kind {
            JobKind::Create => create,
            JobKind::Restore => restore,
            JobKind::Verify => verify,
            JobKind::RollBack => roll_back,
        }
    }

    /// Whether a new backup is verified.
    #[must_use]
    pub const fn verification(&self) -> bool {
        self.verification
    }

    /// How many bytes of the disk have to stay free.
    #[must_use]
    pub const fn reserve(&self) -> u64 {
        self.reserve_bytes
    }

    /// How many jobs that have ended are kept.
    #[must_use]
    pub const fn history(&self) -> usize {
        self.history
    }

    /// How long one call of a hook may take.
    #[must_use]
    pub const fn hook_timeout(&self) -> Duration {
        self.hook_timeout
    }

    pub(super) fn hooks(&self) -> Option<&Arc<dyn AnyHooks>> {
        self.hooks.as_ref()
    }

    pub(super) fn check(&self) -> Result<()> {
        if self.dump.compression() == Compression::None {
            return Err(Error::config(
                "the backups of a manager are .sql.gz files: choose a gzip compression",
            ));
        }
        Ok(())
    }
}

impl fmt::Debug for ManagerOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ManagerOptions")
            .field("dump", &self.dump)
            .field("restore", &self.restore)
            .field("timeouts", &self.timeouts)
            .field("verification", &self.verification)
            .field("reserve_bytes", &self.reserve_bytes)
            .field("history", &self.history)
            .field("hooks", &self.hooks.is_some())
            .field("hook_timeout", &self.hook_timeout)
            .finish()
    }
}

/// What a backup job is asked to do.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct CreateRequest {
    timeout: Option<Duration>,
}

impl CreateRequest {
    /// A backup that somebody asked for: `manual_YYYY-MM-DD_HH-MM-SS.sql.gz`.
    #[must_use]
    pub fn manual() -> Self {
        Self::default()
    }

    /// How long this job may take, in place of the manager's time.
    #[must_use]
    pub fn with_timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self
    }

    pub(super) const fn timeout(&self) -> Option<Duration> {
        self.timeout
    }
}

/// What a restore job is asked to do.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct RestoreRequest {
    file: BackupName,
    mode: Option<RestoreMode>,
    rollback: bool,
    timeout: Option<Duration>,
}

impl RestoreRequest {
    /// Restores a backup of the directory.
    #[must_use]
    pub const fn new(file: BackupName) -> Self {
        Self { file, mode: None, rollback: true, timeout: None }
    }

    /// Whether objects that the file does not hold stay or go, in place of what the manager's
    /// options say.
    #[must_use]
    pub fn with_mode(mut self, mode: RestoreMode) -> Self {
        self.mode = Some(mode);
        self
    }

    /// Whether the restore point is put back when the restore fails, is cancelled or runs out of
    /// time after its first statement. It is unless this says no; then the target is left between
    /// before and after, and [`roll_back`](super::BackupManager::roll_back) does it later.
    #[must_use]
    pub fn with_rollback(mut self, rollback: bool) -> Self {
        self.rollback = rollback;
        self
    }

    /// How long this job may take, in place of the manager's time. The rollback has its own.
    #[must_use]
    pub fn with_timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self
    }

    /// The backup.
    #[must_use]
    pub const fn file(&self) -> &BackupName {
        &self.file
    }

    pub(super) const fn mode(&self) -> Option<RestoreMode> {
        self.mode
    }

    pub(super) const fn rollback(&self) -> bool {
        self.rollback
    }

    pub(super) const fn timeout(&self) -> Option<Duration> {
        self.timeout
    }
}
