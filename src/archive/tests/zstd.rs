//! Scripts that are compressed by zstd: known by their bytes, and read to their end or not at all.

use super::super::*;
use super::build::{inspect_bytes, on_disk, verify_bytes};
use crate::error::ErrorKind;

/// `zstd` of `SELECT 1;` and a line feed, with a checksum.
const SMALL: &[u8] = &[
    0x28, 0xb5, 0x2f, 0xfd, 0x04, 0x58, 0x51, 0x00, 0x00, 0x53, 0x45, 0x4c, 0x45, 0x43, 0x54, 0x20,
    0x31, 0x3b, 0x0a, 0xe3, 0x29, 0xb1, 0x57,
];

/// F19: What a backup is needed for, such a file cannot do, and it is said why.
#[test]
fn such_a_file_is_no_backup() {
    for error in [inspect_bytes(SMALL).unwrap_err(), verify_bytes(SMALL).unwrap_err()] {
        assert_eq!(error.kind(), ErrorKind::Manifest);
        assert!(error.to_string().contains("compressed by zstd"), "{error}");
    }
}

#[cfg(not(feature = "zstd"))]
#[test]
fn without_the_feature_the_error_names_it() {
    let (_directory, path) = on_disk(SMALL);
    let Err(error) = SqlReader::open(&path, INFLATION_LIMIT) else { panic!("it was opened") };
    assert!(error.to_string().contains("feature `zstd`"), "{error}");
    let error = read_error(error);
    assert_eq!(error.kind(), ErrorKind::Unsupported);
    assert!(error.to_string().contains("feature `zstd`"), "{error}");
}

#[cfg(feature = "zstd")]
mod with_the_feature {
    use std::io::{Read as _, Write as _};

    use super::*;

    fn frame(text: &[u8], checksum: bool) -> Vec<u8> {
        let mut encoder = zstd::Encoder::new(Vec::new(), 3).unwrap();
        encoder.include_checksum(checksum).unwrap();
        encoder.write_all(text).unwrap();
        encoder.finish().unwrap()
    }

    /// The text of a file, or what kind of error ends it; and whether it has checksums.
    fn read(file: &[u8], limit: u64) -> (Result<Vec<u8>, ErrorKind>, bool) {
        let (_directory, path) = on_disk(file);
        let mut reader = SqlReader::open(&path, limit).unwrap();
        let mut text = Vec::new();
        let read = reader.read_to_end(&mut text);
        if read.is_ok() {
            assert_eq!(reader.file_bytes(), file.len() as u64);
        }
        let kind = |error| read_error(error).kind();
        (read.map(|_| text).map_err(kind), reader.checksums())
    }

    const TEXT: &[u8] = b"SELECT 1;\nSELECT 'a longer one, so that there is something to flip';\n";

    #[test]
    fn frames_are_one_text() {
        let skipped = [b"\x5f\x2a\x4d\x18\x03\0\0\0".as_slice(), b"abc"].concat();
        let one = frame(TEXT, true);
        let twice = [TEXT, TEXT].concat();
        for (file, text) in [
            (one.clone(), TEXT),
            ([one.clone(), one.clone()].concat(), &twice),
            ([skipped.clone(), one.clone(), skipped.clone(), one.clone()].concat(), &twice),
            ([one.clone(), frame(b"", true), one.clone()].concat(), &twice),
        ] {
            assert_eq!(read(&file, INFLATION_LIMIT), (Ok(text.to_vec()), true));
        }
        assert_eq!(read(&frame(TEXT, false), INFLATION_LIMIT), (Ok(TEXT.to_vec()), false));
    }

    #[test]
    fn damage_is_found_before_the_end_is_told() {
        let whole = [frame(TEXT, true), frame(TEXT, true)].concat();
        let first = frame(TEXT, true).len();
        for length in 4..whole.len() {
            let (text, _) = read(&whole[..length], INFLATION_LIMIT);
            // Where a frame ends, the rest is whole too: nothing in the file tells.
            let expected = if length == first { Ok(TEXT.to_vec()) } else { Err(ErrorKind::Codec) };
            assert_eq!(text, expected, "{length} bytes");
        }
        for at in 4..whole.len() {
            let mut changed = whole.clone();
            changed[at] ^= 1;
            let (text, _) = read(&changed, INFLATION_LIMIT);
            let same = [TEXT, TEXT].concat();
            assert!(text == Err(ErrorKind::Codec) || text == Ok(same), "byte {at}: {text:?}");
        }
        for tail in [b"x".as_slice(), b"SELECT 2;\n", b"\x28\xb5\x2f\xfd", b"\x1f\x8b\x08"] {
            let (text, _) = read(&[whole.as_slice(), tail].concat(), INFLATION_LIMIT);
            assert_eq!(text, Err(ErrorKind::Codec), "{tail:?}");
        }
    }

    /// 30,000 times its size and more: refused, but for whoever means it.
    #[test]
    fn a_bomb_is_refused_by_its_ratio() {
        let mut encoder = zstd::Encoder::new(Vec::new(), 1).unwrap();
        let blank = vec![b'\n'; 1 << 20];
        for _ in 0..80 {
            encoder.write_all(&blank).unwrap();
        }
        let file = encoder.finish().unwrap();
        assert!(file.len() < 20_000, "{}", file.len());
        let (_directory, path) = on_disk(&file);
        for (limit, refused) in [(INFLATION_LIMIT, true), (u64::MAX, false)] {
            let mut reader = SqlReader::open(&path, limit).unwrap();
            let read = std::io::copy(&mut reader, &mut std::io::sink());
            assert_eq!(read.is_err(), refused, "{read:?}");
            if let Err(error) = read {
                let error = read_error(error);
                assert_eq!(error.kind(), ErrorKind::Codec);
                assert!(error.to_string().contains("with_inflation_limit"), "{error}");
            }
        }
    }
}
