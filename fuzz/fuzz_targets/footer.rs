//! Any file as a backup: inspecting and verifying it ends, with an answer or an error.
#![cfg_attr(feature = "libfuzzer", no_main)]

use std::cell::OnceCell;
use std::path::Path;

use sha2::{Digest as _, Sha256};
use snapdump::{Context, ErrorKind, Footer, inspect, verify};
use snapdump_fuzz::bytes::Front;
use snapdump_fuzz::file::with_file;
use tokio::runtime::{Builder, Runtime};

thread_local! {
    static RUNTIME: OnceCell<Runtime> = const { OnceCell::new() };
}

/// The members of the files that are put together here.
const MEMBERS: &[u8] =
    b"-- snapdump format 1\nSET a=1;\nINSERT INTO `t` VALUES (1),(2);\nSET a=2;\n";

/// With the first byte even, the rest is a file. Otherwise the rest is the manifest and, behind a
/// line feed, the index of a file in which all else is right: so what they say is reached.
fn run(data: &[u8]) {
    let mut front = Front::new(data);
    let file = match front.byte() % 2 {
        0 => front.rest().to_vec(),
        _ => assemble(front.rest()),
    };
    with_file(&file, |path| {
        let footer = checked(inspect(path), path);
        let report = checked(verified(path), path);
        // Whatever is right as a whole can be inspected, and is described in the same way.
        if let Some(report) = report {
            let footer = footer.expect("a verified file can be inspected");
            assert_eq!(report.members, footer.index.members.len() as u64);
            assert_eq!(report.file_bytes, file.len() as u64);
            assert_eq!(report.sha256, footer.sha256);
            assert!(members_cover(&footer));
        }
    });
}

fn checked<T>(result: snapdump::Result<T>, path: &Path) -> Option<T> {
    match result {
        Ok(found) => Some(found),
        Err(error) => {
            let kind = error.kind();
            assert!(matches!(kind, ErrorKind::Manifest | ErrorKind::Digest), "{error}");
            assert!(!error.chain().contains('\n'), "{error}");
            assert_eq!(error.location().file, Some(path.display().to_string()));
            None
        }
    }
}

fn verified(path: &Path) -> snapdump::Result<snapdump::VerifyReport> {
    RUNTIME.with(|runtime| {
        runtime
            .get_or_init(|| Builder::new_current_thread().build().unwrap())
            .block_on(verify(path, &Context::new()))
    })
}

fn members_cover(footer: &Footer) -> bool {
    let mut next = 0;
    footer.index.members.iter().all(|member| {
        let follows = member.offset == next;
        next = member.offset + member.length;
        follows && next <= footer.file_bytes
    })
}

/// A file of plain text by the rules of FORMAT.md.
fn assemble(text: &[u8]) -> Vec<u8> {
    let split = text.iter().position(|&byte| byte == b'\n').unwrap_or(text.len());
    let (manifest, index) = text.split_at(split);
    let mut file = MEMBERS.to_vec();
    let manifest_at = file.len();
    push_lines(&mut file, "-- manifest ", manifest);
    let index_at = file.len();
    push_lines(&mut file, "-- index ", index.get(1..).unwrap_or_default());
    let end = file.len();
    let digest: String = Sha256::digest(&file).iter().map(|byte| format!("{byte:02x}")).collect();
    let trailer = format!(
        "-- snapdump trailer 1 manifest {manifest_at} index {index_at} end {end} sha256 {digest}"
    );
    file.extend_from_slice(format!("{trailer:<255}\n").as_bytes());
    file
}

fn push_lines(file: &mut Vec<u8>, prefix: &str, json: &[u8]) {
    for line in json.chunks(900) {
        file.extend_from_slice(prefix.as_bytes());
        file.extend_from_slice(line);
        file.push(b'\n');
    }
}

snapdump_fuzz::target!(run);
