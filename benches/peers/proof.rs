//! What a dump has written, as one number: two runs that wrote the same have the same one.

use std::hash::{DefaultHasher, Hasher as _};
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};

/// The sum of the hashes of all lines of a file, or of all files in a directory. It does not depend
/// on the order of tables and rows, nor on where statements begin: several connections write them as
/// they come.
pub(crate) fn of(path: &Path) -> u64 {
    let mut sum = 0_u64;
    for file in files(path) {
        let input = std::fs::File::open(&file).unwrap();
        let mut text = BufReader::with_capacity(1 << 20, flate2::read::MultiGzDecoder::new(input));
        let mut line = Vec::new();
        while text.read_until(b'\n', &mut line).unwrap() > 0 {
            if let Some(content) = content(&line) {
                let mut hasher = DefaultHasher::new();
                hasher.write(content);
                sum = sum.wrapping_add(hasher.finish());
            }
            line.clear();
        }
    }
    assert_ne!(sum, 0, "{}: nothing was written", path.display());
    sum
}

/// A dump is a file, or a folder with one more of mydumper's own, which is a list with times.
fn files(path: &Path) -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(path) else { return vec![path.to_owned()] };
    let all = entries.map(|entry| entry.unwrap().path());
    all.filter(|file| file.extension().is_some_and(|extension| extension == "gz")).collect()
}

/// A line without what depends on the time, or on where a statement or a transaction begins.
fn content(line: &[u8]) -> Option<&[u8]> {
    let line = line.trim_ascii();
    if line.is_empty() || line.starts_with(b"--") {
        return None;
    }
    if line.starts_with(b"INSERT INTO ") && line.ends_with(b" VALUES")
        || [&b"START TRANSACTION;"[..], b"COMMIT;"].contains(&line)
    {
        return None;
    }
    if line.starts_with(b"(") {
        return line.strip_suffix(b",").or_else(|| line.strip_suffix(b";")).or(Some(line));
    }
    Some(line)
}
