//! Crashes between any two changes of a directory, and changes that fail.
//!
//! What a crash leaves depends on what had been made durable. Three outcomes are tried for each
//! moment: everything that was done is there (the process died); names are there and bytes that were
//! not synced are not; and names are what they were when the directory was last synced.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use tokio::io::AsyncWriteExt as _;

use super::disk::Step;
use super::name::BackupName;
use super::{BackupDir, StagedFile, replace_file};
use crate::archive::{ArchiveWriter, Compression, Draft, Manifest, Section, verify_file};
use crate::context::Context;
use crate::error::{ErrorKind, Result};

/// The directories that are watched.
static WATCHED: Mutex<BTreeMap<PathBuf, Watch>> = Mutex::new(BTreeMap::new());

/// Bytes of files, by inode: a file keeps its inode when its name changes.
type Contents = BTreeMap<u64, Vec<u8>>;
/// Inodes by name.
type Names = BTreeMap<String, Entry>;

#[derive(Clone, Debug, PartialEq, Eq)]
enum Entry {
    File(u64),
    Link(PathBuf),
}

#[derive(Default)]
struct Watch {
    steps: Vec<Step>,
    /// Which step fails, by its number, and with which error of the system.
    fails: Option<(usize, i32)>,
    synced: Contents,
    durable: Names,
    /// What is synced when the step that has been announced is done.
    pending: Option<(Step, PathBuf)>,
    outcomes: Vec<BTreeMap<String, Outcome>>,
}

/// What stands under a name after a crash.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Outcome {
    File(Vec<u8>),
    Link(PathBuf),
}

fn read_directory(path: &Path) -> (Names, Contents) {
    let (mut names, mut contents) = (Names::new(), Contents::new());
    for entry in path.read_dir().unwrap() {
        let entry = entry.unwrap();
        let name = entry.file_name().into_string().unwrap();
        if let Ok(target) = entry.path().read_link() {
            names.insert(name, Entry::Link(target));
        } else if let Ok(bytes) = std::fs::read(entry.path()) {
            let inode = entry.metadata().unwrap().ino();
            names.insert(name, Entry::File(inode));
            contents.insert(inode, bytes);
        }
    }
    (names, contents)
}

impl Watch {
    fn see(&mut self, directory: &Path) {
        let (names, contents) = read_directory(directory);
        match self.pending.take() {
            Some((Step::Sync, path)) => {
                if let Ok(metadata) = path.metadata() {
                    let bytes = contents.get(&metadata.ino()).cloned().unwrap_or_default();
                    self.synced.insert(metadata.ino(), bytes);
                }
            }
            Some((Step::SyncDirectory, _)) => self.durable.clone_from(&names),
            _ => {}
        }
        let with = |names: &Names, bytes: &dyn Fn(u64) -> Vec<u8>| {
            names
                .iter()
                .map(|(name, entry)| {
                    let outcome = match entry {
                        Entry::File(inode) => Outcome::File(bytes(*inode)),
                        Entry::Link(target) => Outcome::Link(target.clone()),
                    };
                    (name.clone(), outcome)
                })
                .collect::<BTreeMap<_, _>>()
        };
        let all = |inode: u64| contents.get(&inode).cloned().unwrap_or_default();
        let synced = |inode: u64| self.synced.get(&inode).cloned().unwrap_or_default();
        let torn = |inode: u64| {
            let bytes = all(inode);
            match self.synced.get(&inode) {
                Some(synced) => synced.clone(),
                None => bytes[..bytes.len() / 2].to_vec(),
            }
        };
        let outcomes = [
            with(&names, &all),
            with(&names, &synced),
            with(&names, &torn),
            with(&self.durable, &synced),
        ];
        self.outcomes.extend(outcomes);
    }
}

pub(super) fn about_to(step: Step, path: &Path) -> io::Result<()> {
    let directory = if step == Step::SyncDirectory { Some(path) } else { path.parent() };
    let mut watched = WATCHED.lock().unwrap();
    let Some((directory, watch)) =
        directory.and_then(|path| watched.get_mut(path).map(|watch| (path, watch)))
    else {
        return Ok(());
    };
    watch.see(directory);
    let number = watch.steps.len();
    watch.steps.push(step);
    if let Some((fails, errno)) = watch.fails
        && fails == number
    {
        return Err(io::Error::from_raw_os_error(errno));
    }
    watch.pending = Some((step, path.to_owned()));
    Ok(())
}

/// A directory that is watched while this lives.
struct Watched {
    scratch: tempfile::TempDir,
}

impl Watched {
    fn new(files: &[(&str, &[u8])]) -> Self {
        let scratch = tempfile::tempdir().unwrap();
        for (name, bytes) in files {
            std::fs::write(scratch.path().join(name), bytes).unwrap();
        }
        let (durable, synced) = read_directory(scratch.path());
        let watch = Watch { synced, durable, ..Watch::default() };
        WATCHED.lock().unwrap().insert(scratch.path().to_owned(), watch);
        Self { scratch }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.scratch.path().join(name)
    }

    fn directory(&self) -> BackupDir {
        BackupDir::open(self.scratch.path()).unwrap()
    }

    fn fail_at(&self, step: usize, errno: i32) {
        WATCHED.lock().unwrap().get_mut(self.scratch.path()).unwrap().fails = Some((step, errno));
    }

    /// The steps that were taken, and everything that crashes between them would have left.
    fn crashes(&self) -> (Vec<Step>, Vec<BTreeMap<String, Outcome>>) {
        let mut watched = WATCHED.lock().unwrap();
        let watch = watched.get_mut(self.scratch.path()).unwrap();
        watch.see(self.scratch.path());
        (watch.steps.clone(), std::mem::take(&mut watch.outcomes))
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        WATCHED.lock().unwrap().remove(self.scratch.path());
    }
}

/// A whole backup of one member.
async fn backup(text: &str) -> Vec<u8> {
    let context = Context::new();
    let mut writer = ArchiveWriter::new(Vec::new(), Compression::Gzip(1), 1, &context);
    writer
        .append(Draft {
            section: Section::Start,
            database: None,
            parts: Vec::new(),
            sql: format!("-- snapdump format 1\n{text}").into_bytes(),
        })
        .await
        .unwrap();
    let manifest: Manifest = serde_json::from_value(serde_json::json!({
        "format": 1, "writer": "test", "created_at": "2026-01-01T00:00:00Z", "flavor": "MySQL",
        "server_version": "9.7.0", "snapshot": {"rung": "one_connection"},
        "names_databases": false, "databases": [], "objects": [], "left_out": [],
        "warnings": [], "largest_statement_bytes": 1
    }))
    .unwrap();
    writer.finish(&manifest).await.unwrap().1
}

/// What a crash has left, opened again: every backup that is listed verifies.
fn assert_whole(outcome: &BTreeMap<String, Outcome>, at: &str) -> BTreeSet<String> {
    let scratch = tempfile::tempdir().unwrap();
    for (name, left) in outcome {
        match left {
            Outcome::File(bytes) => std::fs::write(scratch.path().join(name), bytes).unwrap(),
            Outcome::Link(target) => {
                std::os::unix::fs::symlink(target, scratch.path().join(name)).unwrap();
            }
        }
    }
    let directory = BackupDir::open(scratch.path()).unwrap();
    directory.remove_partial_files().unwrap();
    let mut names = BTreeSet::new();
    for file in directory.files().unwrap() {
        if let Err(error) = verify_file(&directory.path_of(&file.name), &Context::new()) {
            panic!("{at}: {} is listed, and {}", file.name, error.chain());
        }
        names.insert(file.name.to_string());
    }
    let rest: Vec<_> = scratch
        .path()
        .read_dir()
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.ends_with(".partial"))
        .collect();
    assert_eq!(rest, [""; 0], "{at}");
    names
}

/// Writes a backup in pieces and gives it its name.
async fn publish(path: &Path, bytes: &[u8], overwrite: bool) -> Result<()> {
    let context = Context::new();
    let mut staged = StagedFile::create(path, overwrite, &context).await?;
    for piece in bytes.chunks(200) {
        let mut writer = staged.writer();
        let written = async {
            writer.write_all(piece).await?;
            writer.flush().await
        };
        written.await.map_err(|error| crate::error::Error::io("could not write", error))?;
    }
    staged.publish(&context).await
}

#[tokio::test]
async fn a_backup_survives_a_crash_between_any_two_steps() {
    let (old, new) = (backup("SELECT 1;\n").await, backup("SELECT 22;\n").await);
    for overwrite in [false, true] {
        let name = if overwrite { "old.sql.gz" } else { "new.sql.gz" };
        let watched = Watched::new(&[("old.sql.gz", &old)]);
        publish(&watched.path(name), &new, overwrite).await.unwrap();
        let (steps, outcomes) = watched.crashes();
        assert!(steps.contains(&Step::Rename) && steps.contains(&Step::SyncDirectory), "{steps:?}");
        let last = outcomes.len() - 1;
        for (number, outcome) in outcomes.iter().enumerate() {
            let at = format!("crash {number} of {last} with overwrite {overwrite}");
            let names = assert_whole(outcome, &at);
            // The one that was there is never lost, but for the new one.
            assert!(names.contains("old.sql.gz"), "{at}");
            if number == last {
                assert!(names.contains(name), "{at}");
            }
        }
        // After `Ok`, nothing takes it away again: the last outcome is the worst one.
        let Some(Outcome::File(bytes)) = outcomes[last].get(name) else { panic!("{name} is gone") };
        assert_eq!(*bytes, new);
    }
}

#[tokio::test]
async fn a_step_that_fails_leaves_no_half_file() {
    let (old, new) = (backup("SELECT 1;\n").await, backup("SELECT 22;\n").await);
    let count = {
        let watched = Watched::new(&[("old.sql.gz", &old)]);
        publish(&watched.path("new.sql.gz"), &new, false).await.unwrap();
        watched.crashes().0.len()
    };
    for number in 0..count {
        for (errno, kind) in [(5, ErrorKind::Io), (28, ErrorKind::NoSpace)] {
            let watched = Watched::new(&[("old.sql.gz", &old)]);
            watched.fail_at(number, errno);
            let error = publish(&watched.path("new.sql.gz"), &new, false).await.unwrap_err();
            assert_eq!(error.kind(), kind, "step {number}: {}", error.chain());
            assert!(error.chain().contains(&format!("os error {errno}")), "{}", error.chain());
            let (steps, outcomes) = watched.crashes();
            for outcome in &outcomes {
                assert_whole(outcome, &format!("{errno} at step {number} of {steps:?}"));
            }
            let (names, _) = read_directory(watched.scratch.path());
            assert!(!names.keys().any(|name| name.ends_with(".partial")), "{names:?}");
        }
    }
}

#[test]
fn a_small_file_holds_the_old_bytes_or_the_new_ones() {
    let watched = Watched::new(&[("job.json", b"old")]);
    replace_file(&watched.path("job.json"), b"new bytes").unwrap();
    let (steps, outcomes) = watched.crashes();
    assert!(steps.len() >= 5, "{steps:?}");
    for outcome in &outcomes {
        let Some(Outcome::File(bytes)) = outcome.get("job.json") else { panic!("{outcome:?}") };
        assert!(bytes == b"old" || bytes == b"new bytes", "{bytes:?}");
    }
    assert_eq!(outcomes.last().unwrap().get("job.json"), Some(&Outcome::File(b"new bytes".into())));
    for number in 0..steps.len() {
        let watched = Watched::new(&[("job.json", b"old")]);
        watched.fail_at(number, 28);
        let error = replace_file(&watched.path("job.json"), b"new bytes").unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NoSpace);
        let (_, outcomes) = watched.crashes();
        for outcome in outcomes {
            let Some(Outcome::File(bytes)) = outcome.get("job.json") else { panic!("{outcome:?}") };
            assert!(bytes == b"old" || bytes == b"new bytes", "{bytes:?}");
        }
    }
}

/// A new backup, the link to it, and the old one deleted: the link never leads to half a file.
#[tokio::test]
async fn links_and_deletions_survive_crashes_too() {
    let (old, new) = (backup("SELECT 1;\n").await, backup("SELECT 22;\n").await);
    let watched = Watched::new(&[("old.sql.gz", &old)]);
    let directory = watched.directory();
    let [old_name, new_name] =
        ["old.sql.gz", "new.sql.gz"].map(|name| name.parse::<BackupName>().unwrap());
    directory.set_latest("shop", &old_name).unwrap();
    publish(&watched.path("new.sql.gz"), &new, false).await.unwrap();
    directory.set_latest("shop", &new_name).unwrap();
    directory.remove(&old_name).unwrap();
    directory.forget_latest(&new_name, None).unwrap();
    let (steps, outcomes) = watched.crashes();
    assert!(steps.contains(&Step::Remove), "{steps:?}");
    for (number, outcome) in outcomes.iter().enumerate() {
        let names = assert_whole(outcome, &format!("crash {number}"));
        assert!(!names.is_empty(), "crash {number}: both are gone");
        if let Some(Outcome::Link(target)) = outcome.get("latest.shop.sql.gz") {
            assert!(names.contains(target.to_str().unwrap()), "crash {number}: {target:?}");
        }
    }
}
