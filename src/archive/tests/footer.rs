//! What is written is found again.

use std::io::{self, Cursor, Read, Seek, SeekFrom};
use std::ops::Range;

use flate2::read::{GzDecoder, MultiGzDecoder};
use proptest::prelude::*;

use super::super::footer::inspect_file;
use super::super::pack::Packer;
use super::super::*;
use super::build::{
    FORMS, footer_text, inspect_bytes, manifest, small, small_texts, verify_bytes, write,
    write_with,
};
use crate::ident::{ObjectKind, ObjectName};

/// All text of a file, footer included, by a reader that knows nothing of the format.
fn text_of(file: &[u8], compression: Compression) -> Vec<u8> {
    if compression == Compression::None {
        return file.to_vec();
    }
    let mut text = Vec::new();
    MultiGzDecoder::new(file).read_to_end(&mut text).unwrap();
    text
}

/// The text behind the members must be comment lines that every client can send.
fn assert_is_comment(text: &[u8]) {
    assert!(text.ends_with(b"\n"));
    for line in text.split_inclusive(|&byte| byte == b'\n') {
        assert!(line.starts_with(b"-- "), "{}", line.escape_ascii());
        assert!(line.len() <= "-- manifest \n".len() + 900, "{} bytes", line.len());
        assert!(line.iter().all(|&byte| byte == b'\n' || (0x20..0x7f).contains(&byte)));
    }
}

/// F2, F12, F13.
#[test]
fn the_footer_of_a_file_is_what_was_written() {
    for form in FORMS {
        let (file, written) = write_with(form, &small_texts(), 1, &manifest());
        let footer = inspect_bytes(&file).unwrap();
        assert_eq!(footer.manifest, manifest());
        assert_eq!(footer.compressed, form != Compression::None);
        assert_eq!(footer.file_bytes, u64::try_from(file.len()).unwrap());
        assert_eq!(footer.file_bytes, written.bytes);
        assert_eq!(footer.sha256, written.sha256);
        let members = &footer.index.members;
        assert_eq!(u64::try_from(members.len()).unwrap(), written.members);
        for (member, text) in members.iter().zip(small_texts()) {
            assert_eq!(member.sql_bytes, u64::try_from(text.len()).unwrap());
            assert_eq!(member.crc32, crc32fast::hash(&text));
            let at = usize::try_from(member.offset).unwrap();
            let stored = &file[at..at + usize::try_from(member.length).unwrap()];
            assert_eq!(text_of(stored, form), text);
        }
        assert_eq!(members[1].parts, [Part { definition: true, rows: 2, ..Part::new(0) }]);

        let report = verify_bytes(&file).unwrap();
        assert_eq!((report.members, report.objects, report.rows), (4, 2, 2));
        assert_eq!((report.file_bytes, report.sql_bytes), (written.bytes, written.sql_bytes));
        assert_eq!(report.sha256, footer.sha256);
    }
}

/// A file whose middle cannot be read.
struct Tail {
    file: Cursor<Vec<u8>>,
    unreadable: Range<u64>,
}

impl Read for Tail {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let from = self.file.position();
        let bytes = self.file.read(buffer)?;
        if from < self.unreadable.end && self.file.position() > self.unreadable.start {
            return Err(io::Error::other(format!("{from} to {}", self.file.position())));
        }
        Ok(bytes)
    }
}

impl Seek for Tail {
    fn seek(&mut self, position: SeekFrom) -> io::Result<u64> {
        self.file.seek(position)
    }
}

/// F20.
#[test]
fn the_footer_is_read_without_the_middle() {
    let mut texts = small_texts();
    // Hardly compressible, and many times what is read at a time.
    let mut state = 1_u64;
    for text in &mut texts {
        text.extend(
            std::iter::repeat_with(|| {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                state.to_le_bytes()[7]
            })
            .take(300_000),
        );
    }
    for form in FORMS {
        let file = write(form, &texts, 1);
        let expected = inspect_bytes(&file).unwrap();
        // The first bytes say who wrote it.
        let unreadable = 4096..expected.members_end();
        assert!(unreadable.end > 1_000_000, "{unreadable:?}");
        let mut tail = Tail { file: Cursor::new(file), unreadable };
        assert_eq!(inspect_file(&mut tail).unwrap(), Some(expected));
        // That reader does complain.
        tail.rewind().unwrap();
        tail.read_to_end(&mut Vec::new()).unwrap_err();
    }
}

/// F2, F5, F10.
#[test]
fn the_text_of_a_file_is_that_of_its_members_and_comments() {
    for form in FORMS {
        let file = small(form);
        let text = text_of(&file, form);
        let members = small_texts().concat();
        assert_eq!(&text[..members.len()], members);
        let comments = &text[members.len()..];
        assert_is_comment(comments);
        let footer = inspect_bytes(&file).unwrap();
        let expected = footer_text(&footer.manifest, &footer.index);
        assert_eq!(&comments[..expected.len()], expected);
        let trailer = &comments[expected.len()..];
        assert!(trailer.starts_with(b"-- snapdump trailer 1 manifest "));
        assert_eq!(memchr::memchr(b'\n', trailer), Some(trailer.len() - 1));
    }
}

/// F10, F11.
#[test]
fn a_long_manifest_is_cut_into_lines_that_any_client_takes() {
    let mut long = manifest();
    for number in 0..300 {
        let name = format!("t{number} ✓ü\r\n;\u{1}`\"'\\{}", "x".repeat(number));
        long.objects.push(ObjectEntry::new(ObjectName::new(ObjectKind::Table, "shop", name)));
    }
    for form in FORMS {
        let (file, _) = write_with(form, &small_texts(), 1, &long);
        assert_eq!(inspect_bytes(&file).unwrap().manifest, long);
        verify_bytes(&file).unwrap();
        let text = text_of(&file, form);
        assert_is_comment(&text[small_texts().concat().len()..]);
    }
}

/// F3.
#[test]
fn the_same_text_gives_the_same_bytes_however_many_threads_pack_it() {
    for form in FORMS {
        assert_eq!(write(form, &small_texts(), 1), write(form, &small_texts(), 4));
    }
}

/// F3: Members are packed in another way from some length on; no reader can tell.
#[test]
fn a_member_of_any_length_has_the_same_form() {
    let row = b"INSERT INTO `t` VALUES (1,'a row with some text');\n";
    for level in [1, 2, 6, 9] {
        for repeats in [1, 40_000, 200_000] {
            let text = row.repeat(repeats);
            let packer = Packer::new(Compression::Gzip(level));
            // What one member leaves behind must not show in the next.
            for _ in 0..2 {
                let member = packer.pack(text.clone()).unwrap();
                // F3: no name, no time, no system.
                assert_eq!(member.bytes[..8], [0x1f, 0x8b, 8, 0, 0, 0, 0, 0]);
                assert_eq!(member.bytes[9], 255);
                assert_eq!(member.crc32, crc32fast::hash(&text));
                let mut read = Vec::new();
                GzDecoder::new(member.bytes.as_slice()).read_to_end(&mut read).unwrap();
                assert!(read == text, "level {level}, {} bytes", text.len());
                assert!(member.bytes.len() * 20 < text.len() || repeats == 1);
                assert_eq!(packer.pack(text.clone()).unwrap().bytes, member.bytes);
            }
        }
    }
}

#[test]
fn a_file_without_members_still_has_a_footer() {
    // The writer of dumps never makes one: without a signature it is nobody's file.
    let file = write(Compression::None, &[], 1);
    assert!(!file.starts_with(SIGNATURE.as_bytes()));
    assert_is_comment(&file);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    /// F1.
    #[test]
    fn members_of_any_size_and_bytes_are_found_again(
        bodies in prop::collection::vec(
            prop_oneof![
                4 => prop::collection::vec(any::<u8>(), 0..3_000),
                // Larger than what is read at a time.
                1 => (any::<u8>(), 250_000..600_000usize).prop_map(|(byte, size)| vec![byte; size]),
            ],
            1..6,
        ),
        workers in 1..4usize,
        plain in any::<bool>(),
    ) {
        let form = if plain { Compression::None } else { Compression::Gzip(1) };
        let mut texts = bodies;
        texts[0].splice(0..0, SIGNATURE.bytes());
        let file = write(form, &texts, workers);
        let footer = inspect_bytes(&file).unwrap();
        // Empty members are not written.
        let sizes: Vec<_> = texts
            .iter()
            .filter(|text| !text.is_empty())
            .map(|text| u64::try_from(text.len()).unwrap())
            .collect();
        let found: Vec<_> = footer.index.members.iter().map(|member| member.sql_bytes).collect();
        prop_assert_eq!(&found, &sizes);
        let report = verify_bytes(&file).unwrap();
        prop_assert_eq!(report.sql_bytes, sizes.iter().sum::<u64>());
        let text = text_of(&file, form);
        let members = texts.concat();
        prop_assert!(text.starts_with(&members));
        assert_is_comment(&text[members.len()..]);
    }
}
