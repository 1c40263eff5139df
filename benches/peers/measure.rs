//! One run of one program: wall time, processor time of client and server, memory and bytes.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// What a run took.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Run {
    pub(crate) wall: f64,
    pub(crate) client: f64,
    pub(crate) server: f64,
    /// The sum of the peaks of all processes of the client's side, in MiB.
    pub(crate) peak: u64,
    pub(crate) bytes: u64,
}

/// Runs a shell command and measures it; fails if the command does.
pub(crate) fn run(script: &str, password: &str, server_pid: &str) -> Run {
    let directory = tempfile::tempdir().unwrap();
    let times = directory.path().join("times");
    let server_before = processor_time(server_pid);
    let started = Instant::now();
    let mut child = Command::new("bash")
        .arg("-c")
        .arg(format!(
            "set -o pipefail; TIMEFORMAT='%U %S'; {{ time {{ {script}; }} 2>\"$ERRORS\"; }} 2>\"$TIMES\""
        ))
        .env("MYSQL_PWD", password)
        .env("TIMES", &times)
        .env("ERRORS", directory.path().join("errors"))
        .stdin(Stdio::null())
        .spawn()
        .expect("bash can be started");
    let mut peaks = std::collections::BTreeMap::new();
    let status = loop {
        for pid in descendants(child.id()) {
            if let Some(peak) = high_water_mark(pid) {
                let known = peaks.entry(pid).or_insert(0);
                *known = peak.max(*known);
            }
        }
        if let Some(status) = child.try_wait().unwrap() {
            break status;
        }
        std::thread::sleep(Duration::from_millis(10));
    };
    let wall = started.elapsed().as_secs_f64();
    let errors = std::fs::read_to_string(directory.path().join("errors")).unwrap_or_default();
    assert!(status.success(), "{script}: {status}\n{errors}");
    let text = std::fs::read_to_string(times).unwrap();
    let client = text.split_whitespace().map(|part| part.parse::<f64>().unwrap()).sum();
    let server = processor_time(server_pid) - server_before;
    Run { wall, client, server, peak: peaks.values().sum::<u64>() / 1024, bytes: 0 }
}

/// Seconds of processor time that a process has used.
fn processor_time(pid: &str) -> f64 {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
    // The name of the program is in parentheses and may hold blanks.
    let (_, rest) = stat.rsplit_once(')').unwrap();
    let fields: Vec<&str> = rest.split_whitespace().collect();
    let ticks = |at: usize| fields[at].parse::<f64>().unwrap();
    (ticks(11) + ticks(12)) / 100.0
}

fn descendants(pid: u32) -> Vec<u32> {
    let children =
        std::fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).unwrap_or_default();
    let children: Vec<u32> = children.split_whitespace().flat_map(str::parse).collect();
    let more: Vec<u32> = children.iter().flat_map(|&child| descendants(child)).collect();
    children.into_iter().chain(more).collect()
}

fn high_water_mark(pid: u32) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    // The shell's own copies do no work.
    if status.lines().next()?.ends_with("bash") {
        return None;
    }
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.trim().strip_suffix(" kB")?.parse().ok()
}

/// The bytes of a file, or of all files in a directory.
pub(crate) fn bytes_of(path: &Path) -> u64 {
    match std::fs::read_dir(path) {
        Ok(entries) => entries.map(|entry| entry.unwrap().metadata().unwrap().len()).sum(),
        Err(_) => path.metadata().map_or(0, |data| data.len()),
    }
}

/// The run with the median wall time.
pub(crate) fn median(runs: &[Run]) -> Run {
    let mut sorted = runs.to_vec();
    sorted.sort_by(|one, other| one.wall.total_cmp(&other.wall));
    sorted[sorted.len() / 2]
}
