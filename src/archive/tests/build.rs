//! Small files, made by the writer or put together by hand.

use std::path::PathBuf;

use serde_json::Value;
use sha2::{Digest as _, Sha256};

use super::super::footer::{INDEX_PREFIX, MANIFEST_PREFIX, Trailer, comment_lines};
use super::super::pack::Packer;
use super::super::writer::hex;
use super::super::*;
use crate::context::Context;
use crate::error::Error;
use crate::ident::{ObjectKind, ObjectName};

/// The two forms of a file.
pub(super) const FORMS: [Compression; 2] = [Compression::Gzip(3), Compression::None];

/// The texts of a small file: a start, two tables and an end.
pub(super) fn small_texts() -> Vec<Vec<u8>> {
    [
        "-- snapdump format 1\nSET a=1;\n",
        "CREATE TABLE `t` (a INT);\nINSERT INTO `t` VALUES (1),(2);\n",
        "CREATE TABLE `u` (a INT);\n",
        "SET a=2;\n",
    ]
    .map(|text| text.as_bytes().to_vec())
    .to_vec()
}

/// A manifest of two tables, one of them with a name that is awkward on a comment line.
pub(super) fn manifest() -> Manifest {
    let table = |name: &str, rows| ObjectEntry {
        rows: Some(rows),
        engine: Some("InnoDB".into()),
        ..ObjectEntry::new(ObjectName::new(ObjectKind::Table, "shop", name))
    };
    Manifest {
        format: FORMAT_VERSION,
        writer: "snapdump tests".into(),
        created_at: chrono::DateTime::from_timestamp(1_700_000_000, 0).unwrap(),
        flavor: "MariaDB".into(),
        server_version: "11.8.0".into(),
        snapshot: Snapshot {
            rung: SnapshotRung::OneConnection,
            connections: 1,
            binlog: Some(BinlogPosition::new("binlog.000001".into(), 4711)),
            gtid: None,
        },
        names_databases: false,
        databases: vec![DatabaseEntry::new("shop".into(), "utf8mb4".into(), "utf8mb4_bin".into())],
        objects: vec![table("t", 2), table("ü\n-- \u{2028}\u{10ffff}\u{7f}\"\\", 0)],
        accounts: Vec::new(),
        left_out: Vec::new(),
        warnings: vec!["none".into()],
        largest_statement_bytes: 31,
    }
}

/// What the index says of member `number` of a file besides its place.
fn draft(number: usize, sql: Vec<u8>) -> Draft {
    let parts = match number {
        1 => vec![Part { definition: true, rows: 2, ..Part::new(0) }],
        2 => vec![Part::new(1)],
        _ => Vec::new(),
    };
    Draft {
        section: if parts.is_empty() { Section::Start } else { Section::Tables },
        database: (!parts.is_empty()).then_some(0),
        parts,
        sql,
    }
}

/// Writes a file by the writer under test, with that many members packed at a time.
pub(super) fn write(compression: Compression, texts: &[Vec<u8>], workers: usize) -> Vec<u8> {
    write_with(compression, texts, workers, &manifest()).0
}

/// The same with a manifest, and what the writer says of the file.
pub(super) fn write_with(
    compression: Compression,
    texts: &[Vec<u8>],
    workers: usize,
    manifest: &Manifest,
) -> (Vec<u8>, Written) {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(async {
        let context = Context::new();
        let mut writer = ArchiveWriter::new(Vec::new(), compression, workers, &context);
        for (number, text) in texts.iter().enumerate() {
            writer.append(draft(number, text.clone())).await.unwrap();
        }
        let (written, bytes) = writer.finish(manifest).await.unwrap();
        (bytes, written)
    })
}

/// The small file.
pub(super) fn small(compression: Compression) -> Vec<u8> {
    write(compression, &small_texts(), 2)
}

/// The manifest and the index of the small file as JSON, to be spoiled and put together again.
pub(super) fn small_json(compression: Compression) -> (Value, Value) {
    let footer = inspect_bytes(&small(compression)).unwrap();
    (serde_json::to_value(footer.manifest).unwrap(), serde_json::to_value(footer.index).unwrap())
}

/// The members of the small file behind one another.
fn small_members(compression: Compression) -> Vec<u8> {
    let packer = Packer::new(compression);
    small_texts().into_iter().flat_map(|text| packer.pack(text).unwrap().bytes).collect()
}

/// The small file with another manifest and index, and everything else right.
pub(super) fn assemble(compression: Compression, manifest: &Value, index: &Value) -> Vec<u8> {
    assemble_text(compression, &manifest.to_string(), &index.to_string(), |_| {})
}

/// The same from JSON as text; `spoil` may change what the trailer says.
pub(super) fn assemble_text(
    compression: Compression,
    manifest: &str,
    index: &str,
    spoil: impl FnOnce(&mut Trailer),
) -> Vec<u8> {
    let length = |bytes: &Vec<u8>| u64::try_from(bytes.len()).unwrap();
    let lines = |prefix: &str, json: &str| -> Vec<u8> {
        let mut text = Vec::new();
        for line in json.as_bytes().chunks(900) {
            text.extend_from_slice(prefix.as_bytes());
            text.extend_from_slice(line);
            text.push(b'\n');
        }
        Packer::new(compression).pack(text).unwrap().bytes
    };
    let mut file = small_members(compression);
    let manifest_at = length(&file);
    file.extend(lines(MANIFEST_PREFIX, manifest));
    let index_at = length(&file);
    file.extend(lines(INDEX_PREFIX, index));
    let end = length(&file);
    let mut trailer = Trailer { manifest_at, index_at, end, sha256: hex(&Sha256::digest(&file)) };
    spoil(&mut trailer);
    file.extend(trailer.bytes(compression != Compression::None));
    file
}

/// A file in a directory of its own.
pub(super) fn on_disk(bytes: &[u8]) -> (tempfile::TempDir, PathBuf) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("backup");
    std::fs::write(&path, bytes).unwrap();
    (directory, path)
}

pub(super) fn inspect_bytes(bytes: &[u8]) -> Result<Footer, Error> {
    let (_directory, path) = on_disk(bytes);
    inspect(path)
}

pub(super) fn verify_bytes(bytes: &[u8]) -> Result<VerifyReport, Error> {
    let (_directory, path) = on_disk(bytes);
    verify_file(&path, &Context::new())
}

/// The text of the manifest and the index as the writer writes them.
pub(super) fn footer_text(manifest: &Manifest, index: &Index) -> Vec<u8> {
    let mut text = comment_lines(MANIFEST_PREFIX, manifest).unwrap();
    text.extend(comment_lines(INDEX_PREFIX, index).unwrap());
    text
}
