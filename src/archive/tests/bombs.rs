//! Small files that want to become large ones: in memory, in time, or both.

use std::io::{Read as _, Write as _};

use flate2::write::GzEncoder;
use flate2::{Compression as Level, GzBuilder};
use serde_json::json;

use super::super::*;
use super::build::{assemble, assemble_text, inspect_bytes, on_disk, small_json, verify_bytes};
use crate::error::ErrorKind;

const GZIP: Compression = Compression::Gzip(9);

fn packed(text: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Level::best());
    encoder.write_all(text).unwrap();
    encoder.finish().unwrap()
}

/// How much text a file gives, read in pieces, and what ends it.
fn read_all(file: &[u8]) -> (u64, std::io::Result<()>) {
    let (_directory, path) = on_disk(file);
    let mut reader = match SqlReader::open(&path, INFLATION_LIMIT) {
        Ok(reader) => reader,
        Err(error) => return (0, Err(error)),
    };
    let mut piece = vec![0; 256 * 1024];
    let mut bytes = 0;
    loop {
        match reader.read(&mut piece) {
            Ok(0) => return (bytes, Ok(())),
            Ok(read) => bytes += u64::try_from(read).unwrap(),
            Err(error) => return (bytes, Err(error)),
        }
    }
}

/// F21.
#[test]
fn a_footer_that_inflates_without_measure_is_refused() {
    let (manifest, index) = small_json(GZIP);
    // 8 MB of blanks inside of valid JSON.
    let blank = " ".repeat(8 << 20);
    let bomb =
        |value: &serde_json::Value| value.to_string().replacen('{', &format!("{{{blank}"), 1);
    for file in [
        assemble_text(GZIP, &bomb(&manifest), &index.to_string(), |_| {}),
        assemble_text(GZIP, &manifest.to_string(), &bomb(&index), |_| {}),
    ] {
        assert!(file.len() < 1 << 20);
        for error in [inspect_bytes(&file).unwrap_err(), verify_bytes(&file).unwrap_err()] {
            assert_eq!(error.kind(), ErrorKind::Manifest);
            assert!(error.to_string().contains("inflate to more than"), "{error}");
        }
    }
}

/// F21.
#[test]
fn a_member_that_claims_more_text_than_there_can_be_is_refused() {
    let (manifest, mut index) = small_json(GZIP);
    index["members"][1]["sql_bytes"] = json!(4u64 << 30);
    let error = inspect_bytes(&assemble(GZIP, &manifest, &index)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Manifest);
}

/// F21: 20,000 tables of names that are much alike: nothing of a real manifest comes near the
/// limit.
#[test]
fn the_manifest_of_many_tables_is_no_bomb() {
    let (mut manifest, mut index) = small_json(GZIP);
    let table = manifest["objects"][0].clone();
    let member = index["members"][2].clone();
    let tables = (0..20_000).map(|number| {
        let mut table = table.clone();
        table["name"] = json!(format!("table_{number:06}"));
        table["rows"] = json!(0);
        table
    });
    manifest["objects"] = tables.collect();
    index["members"][2] = member;
    let file = assemble(GZIP, &manifest, &index);
    assert_eq!(inspect_bytes(&file).unwrap().manifest.objects.len(), 20_000);
}

#[test]
fn a_header_of_any_length_is_refused_or_passed_over() {
    let name = vec![b'n'; 1 << 20];
    for builder in [GzBuilder::new().filename(name.clone()), GzBuilder::new().comment(name)] {
        let mut encoder = builder.write(Vec::new(), Level::fast());
        encoder.write_all(b"SELECT 1;\n").unwrap();
        let file = encoder.finish().unwrap();
        let (bytes, ended) = read_all(&file);
        assert_eq!(bytes, 0);
        assert_eq!(ended.unwrap_err().kind(), std::io::ErrorKind::InvalidInput);
        let error = verify_bytes(&file).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Manifest);
        // A second member may not have one either.
        let (bytes, ended) = read_all(&[packed(b"SELECT 1;\n"), file].concat());
        assert_eq!(bytes, 10);
        ended.unwrap_err();
    }
    let largest = GzBuilder::new().extra(vec![0; 65_535]).write(Vec::new(), Level::fast());
    let (bytes, ended) = read_all(&largest.finish().unwrap());
    assert_eq!(bytes, 0);
    ended.unwrap();
}

#[test]
fn members_without_end_end_with_the_file() {
    let empty = packed(b"");
    let mut file = empty.repeat(20_000);
    file.extend(packed(b"SELECT 1;\n"));
    let (bytes, ended) = read_all(&file);
    assert_eq!(bytes, 10);
    ended.unwrap();
    // Cut anywhere, it is not whole.
    let (_, ended) = read_all(&file[..file.len() - 5]);
    ended.unwrap_err();
    let (_, ended) = read_all(&[file, b"x".to_vec()].concat());
    ended.unwrap_err();
}

/// A thousand times its size, and the text never in memory at once.
#[test]
fn a_bomb_is_read_in_pieces() {
    let file = packed(&vec![b'\n'; 64 << 20]);
    assert!(file.len() < 300_000);
    let (bytes, ended) = read_all(&file);
    assert_eq!(bytes, 64 << 20);
    ended.unwrap();
}
