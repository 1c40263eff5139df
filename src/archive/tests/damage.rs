//! Files that were whole once: every change is found.

use flate2::write::GzEncoder;
use std::io::Write as _;

use super::super::*;
use super::build::{FORMS, inspect_bytes, on_disk, small, small_texts, verify_bytes, write};
use crate::context::Context;
use crate::error::{Error, ErrorKind};

/// A refusal that says what is wrong with the file, on one line.
fn assert_refused(result: Result<VerifyReport, Error>, what: &str) {
    let error = match result {
        Ok(report) => panic!("{what} passes: {report:?}"),
        Err(error) => error,
    };
    let expected = matches!(error.kind(), ErrorKind::Manifest | ErrorKind::Digest);
    assert!(expected, "{what}: {} {}", error.kind(), error.chain());
    assert!(!error.chain().contains('\n'), "{what}: {}", error.chain());
}

/// F18, F21, F22.
#[test]
fn every_flipped_byte_is_found() {
    for form in FORMS {
        let mut file = small(form);
        verify_bytes(&file).unwrap();
        let (_directory, path) = on_disk(&[]);
        for at in 0..file.len() {
            // The digest covers all but the trailer, where every bit is tried.
            let bits: Vec<u8> = if at + 300 > file.len() {
                (0..8).map(|bit| 1 << bit).collect()
            } else {
                vec![1 << (at % 8), 0xff]
            };
            for bits in bits {
                file[at] ^= bits;
                std::fs::write(&path, &file).unwrap();
                let verified = verify_file(&path, &Context::new());
                assert_refused(verified, &format!("{form:?}, bits {bits:#x} of byte {at}"));
                file[at] ^= bits;
            }
        }
    }
}

/// F21.
#[test]
fn white_space_in_place_of_a_blank_is_found() {
    for form in FORMS {
        let file = small(form);
        let blanks: Vec<_> = (0..file.len()).filter(|&at| file[at] == b' ').collect();
        assert!(blanks.len() > 20);
        for at in blanks {
            for other in *b"\t\n\r" {
                let mut changed = file.clone();
                changed[at] = other;
                assert_refused(verify_bytes(&changed), &format!("{form:?}, blank at {at}"));
            }
        }
    }
}

/// F19: A file that this crate wrote is never taken for a script of somebody else, which would be
/// restored without a manifest to check it against.
#[test]
fn damage_at_the_start_does_not_make_it_another_tools_file() {
    for form in FORMS {
        let file = small(form);
        for at in 0..SIGNATURE.len().max(40) {
            let mut changed = file.clone();
            changed[at] ^= 1;
            let (_directory, path) = on_disk(&changed);
            let origin = origin(&mut std::fs::File::open(path).unwrap()).unwrap();
            assert_eq!(origin, Origin::Snapdump, "{form:?}, byte {at}");
        }
    }
}

/// F21.
#[test]
fn every_shorter_file_is_refused() {
    for form in FORMS {
        let file = small(form);
        for length in 0..file.len() {
            let cut = &file[..length];
            assert_refused(verify_bytes(cut), &format!("{form:?}, {length} bytes"));
            inspect_bytes(cut).unwrap_err();
        }
        for start in 1..file.len() {
            let cut = &file[start..];
            assert_refused(verify_bytes(cut), &format!("{form:?}, from {start}"));
        }
    }
}

/// F22.
#[test]
fn every_byte_taken_out_is_found() {
    for form in FORMS {
        let file = small(form);
        for at in 0..file.len() {
            let mut shorter = file.clone();
            let byte = shorter.remove(at);
            assert_refused(verify_bytes(&shorter), &format!("{form:?}, without byte {at}"));
            // And put back twice.
            shorter.splice(at..at, [byte, byte]);
            assert_refused(verify_bytes(&shorter), &format!("{form:?}, byte {at} twice"));
        }
    }
}

/// F21.
#[test]
fn a_file_that_was_never_finished_says_so() {
    for form in FORMS {
        let file = small(form);
        let footer = inspect_bytes(&file).unwrap();
        let members_end: u64 = footer.index.members.iter().map(|member| member.length).sum();
        let cut = &file[..usize::try_from(members_end).unwrap()];
        let error = verify_bytes(cut).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Manifest);
        assert!(error.to_string().contains("has no footer"), "{error}");
    }
}

/// F5, F21.
#[test]
fn appended_bytes_are_found() {
    let mut member = GzEncoder::new(Vec::new(), flate2::Compression::fast());
    member.write_all(b"DROP TABLE `t`;\n").unwrap();
    let member = member.finish().unwrap();
    for form in FORMS {
        let file = small(form);
        let trailer = &file[file.len() - 256..];
        for tail in [b"\n".as_slice(), b"x", b"DROP TABLE `t`;\n", &[0; 279], &member, trailer] {
            let longer = [file.as_slice(), tail].concat();
            assert_refused(verify_bytes(&longer), &format!("{form:?} and {} bytes", tail.len()));
            let longer = [tail, file.as_slice()].concat();
            assert_refused(verify_bytes(&longer), &format!("{} bytes and {form:?}", tail.len()));
        }
    }
}

/// F5, F21.
#[test]
fn files_behind_one_another_are_refused() {
    let other = |form| {
        let mut texts = small_texts();
        texts[1].extend_from_slice(b"INSERT INTO `t` VALUES (3);\n");
        write(form, &texts, 1)
    };
    for first in FORMS {
        for second in FORMS {
            for (one, two) in [(small(first), small(second)), (small(first), other(second))] {
                let both = [one, two].concat();
                assert_refused(verify_bytes(&both), &format!("{first:?} and {second:?}"));
            }
        }
    }
}

/// F18, F22: The footer of one file behind the members of another of the same lengths.
#[test]
fn the_footer_of_another_file_is_refused() {
    let mut texts = small_texts();
    texts[1][0] ^= 1;
    let (one, other) = (small(Compression::None), write(Compression::None, &texts, 1));
    assert_eq!(one.len(), other.len());
    let members = small_texts().concat().len();
    let mixed = [&one[..members], &other[members..]].concat();
    let error = verify_bytes(&mixed).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Digest, "{}", error.chain());
    // The place is that of the member that is not what it was.
    assert_eq!(error.location().byte, Some(u64::try_from(texts[0].len()).unwrap()));
}
