//! How long a statement is that is too long to be kept.

use super::super::Measured;
use super::*;

/// Cuts `script` into pieces of so many bytes; what is measured once a statement is too long, and how
/// many bytes were held at most meanwhile.
fn measure(options: SplitOptions, script: &[u8], piece: usize) -> (Measured, usize) {
    let mut splitter = Splitter::new(options);
    let (mut buffer, mut passed, mut most, mut too_long) = (Vec::new(), 0u64, 0, false);
    let mut pieces = script.chunks(piece);
    loop {
        let next = pieces.next();
        let end = next.is_none();
        buffer.extend_from_slice(next.unwrap_or_default());
        if !too_long {
            loop {
                match splitter.step(&buffer, end) {
                    Ok(Step::Statement(Statement { consumed, .. }) | Step::Skip { consumed }) => {
                        buffer.drain(..consumed);
                    }
                    Ok(Step::More | Step::End) => break,
                    Err(LexError::TooLarge { .. }) => {
                        too_long = true;
                        break;
                    }
                    Err(error) => panic!("{error}"),
                }
            }
        }
        if too_long {
            match splitter.measure(&buffer, end, passed) {
                Measured::More { consumed, passed: so_far } => {
                    buffer.drain(..consumed);
                    passed = so_far;
                }
                known => return (known, most),
            }
            most = most.max(buffer.len());
        }
        assert!(!end, "nothing is too long");
    }
}

#[test]
fn the_whole_length_is_told_however_it_is_cut() {
    let long = "x".repeat(300);
    let mine = |mut options: SplitOptions| {
        options.max_statement_bytes = 20;
        options
    };
    for (options, text, rest, expected) in [
        (maria(), format!("SELECT '{long};\\';\n{long}' /* ; */ "), "; DO 1", None),
        (maria(), format!("SELECT `{long}`, {long}"), "", None),
        (maria(), format!("SELECT '{long}"), "", Some(Measured::AtLeast(308))),
        (maria(), format!("/*!50000 SELECT -- ;\n{long} */"), ";", None),
        (my9(), format!("SELECT {long}, a$b$c {long}"), ";", None),
        (my9(), format!("SELECT 1, {long} $no, {long}"), ";", None),
        (maria(), format!("SELECT {long} \\! {long}"), ";", Some(Measured::AtLeast(308))),
    ] {
        let script = format!("DO 1;\n\n{text}{rest}");
        let expected = expected.unwrap_or(Measured::Whole(text.len() as u64));
        for piece in [1, 2, 3, 7, 50, 1000] {
            let (found, most) = measure(mine(options.clone()), script.as_bytes(), piece);
            assert_eq!(found, expected, "{script} by {piece}");
            assert!(most <= 60 + piece, "{most} bytes of {script} by {piece}");
        }
    }
}

/// Its quote would have to be kept to the end.
#[test]
fn a_long_string_in_dollars_is_measured_up_to_where_it_begins() {
    let options = SplitOptions { max_statement_bytes: 20, ..my9() };
    let script = format!("SELECT $tag${}$tag$;", "x".repeat(300));
    let (found, _) = measure(options, script.as_bytes(), 10);
    let Measured::AtLeast(bytes) = found else { panic!("{found:?}") };
    assert!((20..script.len() as u64).contains(&bytes), "{bytes}");
}

/// It is not known yet whether it opens a string, so it is kept.
#[test]
fn what_may_be_a_tag_is_not_kept_for_ever() {
    let mut splitter = Splitter::new(SplitOptions { max_statement_bytes: 20, ..my9() });
    let mut buffer = b"SELECT $".to_vec();
    let refused = (0..200).find_map(|_| {
        buffer.extend_from_slice(&[b'a'; 1000]);
        match splitter.step(&buffer, false) {
            Ok(Step::Skip { consumed }) => drop(buffer.drain(..consumed)),
            Ok(_) => {}
            Err(error) => return Some(error),
        }
        None
    });
    assert!(matches!(refused, Some(LexError::TooLarge { limit: 20, .. })), "{refused:?}");
    assert!(buffer.len() < 70_000, "{}", buffer.len());
    assert!(matches!(splitter.measure(&buffer, false, 0), Measured::AtLeast(60_000..)));
}
