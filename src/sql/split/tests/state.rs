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
