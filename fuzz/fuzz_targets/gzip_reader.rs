//! Any file as a script: no panic, memory that does not depend on what the file claims, and never
//! another text than the one that was packed.
#![cfg_attr(feature = "libfuzzer", no_main)]

use std::io;

use snapdump::Compression;
use snapdump::internals::{pack_member, read_script};
use snapdump_fuzz::bytes::Front;
use snapdump_fuzz::file::with_file;

/// More than this is counted, not kept: a small file may inflate to a thousand times its size.
const KEPT: usize = 1 << 20;

/// With the first byte even, the rest is a file. Otherwise the rest is text that is packed and then
/// spoiled as the next bytes say.
fn run(data: &[u8]) {
    let mut front = Front::new(data);
    if front.byte() % 2 == 0 {
        let file = front.rest();
        let result = text_of(file);
        if !file.starts_with(&[0x1f, 0x8b]) {
            assert_eq!(result.unwrap(), file);
        }
        return;
    }
    let how = front.byte();
    let place = usize::from(front.byte()) << 8 | usize::from(front.byte());
    let text = front.rest();
    let (one, two) = text.split_at(place % (text.len() + 1));
    let pack = |text: &[u8]| pack_member(text.to_vec(), Compression::Gzip(how % 10)).unwrap();
    let mut file = [pack(one), pack(two)].concat();
    assert_eq!(text_of(&file).unwrap(), text);
    let at = place % file.len();
    match how % 3 {
        0 => file.truncate(at),
        1 => file[at] ^= 1 << (how >> 5),
        _ => file.extend_from_slice(b"\0\x01"),
    }
    // Some bytes of a header say nothing of the text; a file cut between its members is whole for
    // gzip, and one that is cut off before its first byte is an empty script.
    match text_of(&file) {
        Err(error) => assert!(!error.to_string().is_empty()),
        Ok(found) => {
            let cut = how % 3 == 0 && (found == one || found.is_empty());
            let no_gzip = !file.starts_with(&[0x1f, 0x8b]) && found == file;
            assert!(found == text || cut || no_gzip, "another text");
        }
    }
}

fn text_of(file: &[u8]) -> io::Result<Vec<u8>> {
    let mut text = Vec::new();
    with_file(file, |path| {
        read_script(path, |piece| {
            if text.len() < KEPT {
                text.extend_from_slice(piece);
            }
        })
    })?;
    Ok(text)
}

snapdump_fuzz::target!(run);
