//! Runs a target where libFuzzer cannot: seeds first, then mutations of them until the time is up.
//!
//! ```text
//! TARGET [SECONDS] [FILE-OR-DIRECTORY…]
//! ```
//!
//! An input that panics or takes longer than [`LONGEST`] is written to the directory named by
//! `FUZZ_ARTIFACTS` (by default the current one) and ends the program with a failure; so does
//! memory beyond [`MOST_MEMORY_KIB`]. Given as the only file, with 0 seconds, it is run alone.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use std::{env, fs, thread};

/// The time one input may take.
const LONGEST: Duration = Duration::from_secs(10);
/// The resident memory that the program may take, in KiB.
const MOST_MEMORY_KIB: u64 = 512 * 1024;
/// The longest input that is made, in bytes.
const MAX_BYTES: usize = 64 * 1024;

/// The input that is running, and since when.
type Running = Arc<Mutex<Option<(Instant, Vec<u8>)>>>;

pub fn main(run: impl Fn(&[u8])) -> ExitCode {
    let mut arguments = env::args().skip(1);
    let seconds = arguments.next().map_or(60, |text| text.parse().expect("a number of seconds"));
    let seeds: Vec<Vec<u8>> = arguments.flat_map(|path| files(Path::new(&path))).collect();
    let running = watched();
    let until = Instant::now() + Duration::from_secs(seconds);
    let mut random = Random(0x9E37_79B9_7F4A_7C15);
    for seed in &seeds {
        if !passes(&run, seed, &running) {
            return ExitCode::FAILURE;
        }
    }
    let mut runs = seeds.len();
    while Instant::now() < until {
        let input = mutated(&seeds, &mut random);
        if !passes(&run, &input, &running) {
            return ExitCode::FAILURE;
        }
        runs += 1;
        if runs % 256 == 0 && memory_kib() > MOST_MEMORY_KIB {
            println!("{} KiB of memory after {runs} inputs", memory_kib());
            return ExitCode::FAILURE;
        }
    }
    println!("{runs} inputs, {} of them seeds; {} KiB of memory", seeds.len(), memory_kib());
    ExitCode::SUCCESS
}

fn passes(run: &impl Fn(&[u8]), input: &[u8], running: &Running) -> bool {
    *running.lock().unwrap() = Some((Instant::now(), input.to_vec()));
    let result = catch_unwind(AssertUnwindSafe(|| run(input)));
    *running.lock().unwrap() = None;
    if result.is_err() {
        keep(input);
    }
    result.is_ok()
}

/// Starts the thread that ends the program when an input does not.
fn watched() -> Running {
    let running = Running::default();
    let watching = Arc::clone(&running);
    thread::spawn(move || {
        loop {
            thread::sleep(Duration::from_secs(1));
            if let Some((since, input)) = &*watching.lock().unwrap()
                && since.elapsed() > LONGEST
            {
                println!("an input takes longer than {LONGEST:?}");
                keep(input);
                std::process::exit(1);
            }
        }
    });
    running
}

fn keep(input: &[u8]) {
    let directory = env::var_os("FUZZ_ARTIFACTS").map_or_else(|| ".".into(), PathBuf::from);
    let name = env::current_exe().ok();
    let name = name.as_deref().and_then(Path::file_name).unwrap_or_default().to_string_lossy();
    let path = directory.join(format!("crash-{name}"));
    match fs::create_dir_all(&directory).and_then(|()| fs::write(&path, input)) {
        Ok(()) => println!("the input is in {}", path.display()),
        Err(error) => println!("{error}; the input: {}", input.escape_ascii()),
    }
}

/// The contents of a file, or of all files in a directory, in the order of their names.
fn files(path: &Path) -> Vec<Vec<u8>> {
    if path.is_file() {
        return vec![fs::read(path).unwrap()];
    }
    let mut entries: Vec<_> = fs::read_dir(path)
        .unwrap_or_else(|error| panic!("{}: {error}", path.display()))
        .map(|entry| entry.unwrap().path())
        .collect();
    entries.sort();
    entries.iter().flat_map(|entry| files(entry)).collect()
}

/// The resident memory of this process; 0 where the system does not say.
fn memory_kib() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap_or_default();
    line.split_ascii_whitespace().next().and_then(|text| text.parse().ok()).unwrap_or(0)
}

/// Takes a seed and spoils it: flipped, removed, doubled and exchanged pieces, and pieces of other
/// seeds.
fn mutated(seeds: &[Vec<u8>], random: &mut Random) -> Vec<u8> {
    let pick = |random: &mut Random| -> &[u8] {
        if seeds.is_empty() { &[] } else { &seeds[random.below(seeds.len())] }
    };
    let mut input = pick(random).to_vec();
    for _ in 0..=random.below(6) {
        let at = random.below(input.len() + 1);
        let most = 1 << random.below(12);
        let to = (at + 1 + random.below(most)).min(input.len());
        match random.below(7) {
            0 if at < to => input[at] ^= 1 << random.below(8),
            1 if at < to => input[at] = random.next().to_le_bytes()[0],
            2 => drop(input.drain(at..to)),
            3 => {
                let piece = input[at..to].to_vec();
                let place = random.below(input.len() + 1);
                input.splice(place..place, piece);
            }
            4 => input.truncate(at),
            5 => {
                let other = pick(random);
                let from = random.below(other.len() + 1);
                let end = (from + random.below(64)).min(other.len());
                input.splice(at..at, other[from..end].iter().copied());
            }
            _ => input.splice(at..at, [random.next().to_le_bytes()[0]]).for_each(drop),
        }
    }
    input.truncate(MAX_BYTES);
    input
}

/// Xorshift: good enough, and the same inputs on every machine.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn below(&mut self, limit: usize) -> usize {
        let limit = u64::try_from(limit.max(1)).unwrap_or(u64::MAX);
        usize::try_from(self.next() % limit).unwrap_or(0)
    }
}
