//! A caller of the splitter, with every promise of its answers checked.

use super::*;

/// Everything that came out of a script.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Outcome {
    pub(super) statements: Vec<(Vec<u8>, Position)>,
    pub(super) error: Option<LexError>,
}

/// Splits `script`, which arrives in the pieces between `cuts`.
pub(super) fn drive(options: &SplitOptions, script: &[u8], cuts: &[usize]) -> Outcome {
    let mut splitter = Splitter::new(options.clone());
    let mut ends: Vec<usize> = cuts.to_vec();
    ends.push(script.len());
    let mut ends = ends.into_iter();
    let mut have = ends.next().unwrap();
    let mut base = 0;
    let mut statements = Vec::new();
    loop {
        let buffer = &script[base..have];
        let end = have == script.len() && ends.as_slice().is_empty();
        match splitter.step(buffer, end) {
            Ok(Step::Statement(found)) => {
                let text = &buffer[found.text.clone()];
                assert!(found.text.end <= found.consumed);
                assert!(!text.is_empty());
                assert!(!is_space(text[0]) && !is_space(text[text.len() - 1]));
                assert_eq!(found.at, place(script, base + found.text.start));
                statements.push((text.to_vec(), found.at));
                assert_eq!(found.number, statements.len() as u64);
                base += found.consumed;
                assert_eq!(splitter.position(), place(script, base));
                react(text, |change| change.tell(&mut splitter));
            }
            Ok(Step::Skip { consumed }) => {
                assert!(consumed > 0);
                base += consumed;
            }
            Ok(Step::More) => {
                assert!(!end);
                have = ends.next().unwrap();
            }
            Ok(Step::End) => {
                assert!(end && base == have);
                assert_eq!(splitter.step(&[], true), Ok(Step::End));
                return Outcome { statements, error: None };
            }
            Err(error) => {
                assert_eq!(splitter.step(buffer, end), Err(error.clone()));
                assert!(!error.to_string().contains('\n'));
                return Outcome { statements, error: Some(error) };
            }
        }
        assert!(base <= have);
    }
}

fn place(script: &[u8], byte: usize) -> Position {
    let lines = script[..byte].split(|&byte| byte == b'\n').count();
    at(lines as u64, byte as u64)
}

/// Cuts at random distances, some of them zero.
pub(super) fn random_cuts(len: usize, seed: u64) -> Vec<usize> {
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    let mut cuts = Vec::new();
    let mut cut = 0;
    while cut < len {
        // Xorshift: good enough, and the same on every machine.
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        cut += usize::try_from(state % 7).unwrap();
        cuts.push(cut.min(len));
    }
    cuts
}
