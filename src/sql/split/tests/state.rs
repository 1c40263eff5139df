//! What is kept between calls, and what is not looked at again.

use super::*;

#[test]
fn a_comment_between_statements_is_not_collected() {
    let mut splitter = Splitter::new(maria());
    let opening = b"a;/* ";
    assert!(matches!(
        splitter.step(opening, false),
        Ok(Step::Statement(Statement { consumed: 2, .. }))
    ));
    assert_eq!(splitter.step(&opening[2..], false), Ok(Step::Skip { consumed: 3 }));
    for _ in 0..1000 {
        let more = [b'x'; 1000];
        assert_eq!(splitter.step(&more, false), Ok(Step::Skip { consumed: 1000 }));
    }
    assert_eq!(
        splitter.step(b"", true),
        Err(LexError::Unclosed { what: Construct::Comment, at: at(1, 2) })
    );
}

#[test]
fn what_is_before_a_statement_is_dropped_while_it_is_collected() {
    let mut splitter = Splitter::new(maria());
    assert_eq!(splitter.step(b"-- x\n\nab", false), Ok(Step::Skip { consumed: 6 }));
    assert_eq!(splitter.step(b"ab", false), Ok(Step::More));
    assert_eq!(
        splitter.step(b"abc;d", false),
        Ok(Step::Statement(Statement { text: 0..3, consumed: 4, at: at(3, 6), number: 1 }))
    );
}

#[test]
fn nothing_is_asked_for_that_does_not_come() {
    let mut splitter = Splitter::new(maria());
    assert_eq!(splitter.step(b"", false), Ok(Step::More));
    assert_eq!(splitter.step(b"", true), Ok(Step::End));
    assert_eq!(splitter.step(b"", true), Ok(Step::End));
}

/// Scanned bytes are overwritten before the next call: whoever looks at them again would see
/// quotes that are not there. White space stays, since the ends of a statement are trimmed.
#[test]
fn scanned_bytes_are_not_scanned_again() {
    let script = b"/*!40101 SET a = 'x\\'y' */; -- c\nINSERT INTO `a` VALUES (1,'b;c',-2.5),(\\N,\"d\");\nDELIMITER ;;\nBEGIN a; /* b */ END;;\n  c /*!999999 x */ d ;;";
    let whole = drive(&maria(), script, &[]);
    assert_eq!((whole.statements.len(), whole.error), (4, None));
    for piece in 1..script.len() {
        let mut splitter = Splitter::new(maria());
        let mut buffer = Vec::new();
        let mut pieces = script.chunks(piece);
        let mut base = 0;
        let mut found = Vec::new();
        let mut end = false;
        loop {
            let consumed = match splitter.step(&buffer, end).unwrap() {
                Step::Statement(statement) => {
                    found.push(&script[base + statement.text.start..base + statement.text.end]);
                    statement.consumed
                }
                Step::Skip { consumed } => consumed,
                Step::More => {
                    let scanned = usize::try_from(splitter.position().byte).unwrap() - base;
                    for byte in &mut buffer[..scanned] {
                        if !is_space(*byte) {
                            *byte = b'\'';
                        }
                    }
                    buffer.extend(pieces.next().unwrap_or_default());
                    end = base + buffer.len() == script.len();
                    continue;
                }
                Step::End => break,
            };
            buffer.drain(..consumed);
            base += consumed;
        }
        let expected: Vec<&[u8]> = whole.statements.iter().map(|(text, _)| &text[..]).collect();
        assert_eq!(found, expected, "pieces of {piece}");
    }
}

#[test]
fn a_clone_goes_its_own_way() {
    let mut splitter = Splitter::new(maria());
    assert_eq!(splitter.step(b"'a", false), Ok(Step::More));
    let mut other = splitter.clone();
    assert!(splitter.step(b"'a", true).is_err());
    assert!(matches!(other.step(b"'a'", true), Ok(Step::Statement(_))));
}

/// Feeds `script` to a splitter in pieces, as a caller does that reads a file, and returns how long
/// the statements are.
fn lengths(options: SplitOptions, script: &[u8], piece: usize) -> Vec<usize> {
    let mut splitter = Splitter::new(options);
    let mut lengths = Vec::new();
    let (mut from, mut to) = (0, 0);
    loop {
        match splitter.step(&script[from..to], to == script.len()).unwrap() {
            Step::Statement(statement) => {
                lengths.push(statement.text.len());
                from += statement.consumed;
            }
            Step::Skip { consumed } => from += consumed,
            Step::More => to = script.len().min(to + piece),
            Step::End => return lengths,
        }
    }
}

/// A splitter that went back to the start of the statement with every piece would look at two
/// million megabytes here, and this test would not end.
#[test]
fn statements_of_64_megabytes_in_small_pieces_take_one_pass() {
    const LONG: usize = 64 << 20;
    let mut script = b"INSERT INTO t VALUES ('".to_vec();
    script.resize(LONG, b'x');
    script.extend_from_slice(b"');\n");
    let from = script.len();
    script.extend_from_slice(b"INSERT INTO t VALUES (0)");
    while script.len() < 2 * LONG {
        script.extend_from_slice(br#",(-1,'it\'s; ''x''',NULL,0x27,"y;")"#);
    }
    let second = script.len() - from;
    script.extend_from_slice(b";\nSELECT 1");
    assert_eq!(lengths(maria(), &script, 1024), [LONG + 2, second, 8]);
}

/// The same for tags of dollar quotes: one that is long and closes, one that is none, and one that
/// nearly closes again and again.
#[test]
fn long_tags_in_small_pieces_take_one_pass() {
    const LONG: usize = 4 << 20;
    let mut tag = vec![b'$'];
    tag.resize(LONG, b'a');
    let nearly = [&tag[..], b"b"].concat();
    tag.push(b'$');
    let mut script = [&tag[..], &nearly, &tag].concat();
    let first = script.len();
    script.push(b';');
    let from = script.len();
    script.extend_from_slice(&nearly);
    let second = script.len() - from;
    script.extend_from_slice(b";$aa$");
    let from = script.len() - b"$aa$".len();
    script.extend(b"$a $aab".repeat(LONG / 8));
    script.extend_from_slice(b"$aa$");
    let third = script.len() - from;
    assert_eq!(lengths(my9(), &script, 7), [first, second, third]);
}

/// What looked like a tag for a million bytes has a statement at every second byte. Finding the
/// line of each must not count all of them again.
#[test]
fn places_after_a_long_look_ahead_take_one_pass() {
    const STATEMENTS: usize = 1 << 21;
    let mut script = b"DELIMITER b\n($".to_vec();
    script.extend(b"ab".repeat(STATEMENTS));
    script.extend_from_slice(b"\n");
    let lengths = lengths(my9(), &script, 999);
    assert_eq!((lengths[0], lengths[1], lengths.len()), (3, 1, STATEMENTS));
}
