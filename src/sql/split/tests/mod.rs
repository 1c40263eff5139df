//! Every case runs whole, cut in two at every byte, byte by byte, in random pieces, and through a
//! second lexer that knows nothing of the first.

mod cases;
mod drive;
mod failures;
mod given;
mod measure;
mod messages;
mod properties;
mod reference;
mod state;
mod written;

use super::*;
use drive::{Outcome, drive, random_cuts};
use given::*;

/// Runs one script on every driver.
fn check(options: &SplitOptions, script: &[u8], texts: &[Vec<u8>], error: Option<&LexError>) {
    let whole = drive(options, script, &[]);
    let found: Vec<_> = whole.statements.iter().map(|(text, _)| text).collect();
    assert_eq!(
        found.iter().map(|text| show(text)).collect::<Vec<_>>(),
        texts.iter().map(|text| show(text)).collect::<Vec<_>>(),
        "statements of {}",
        show(script)
    );
    assert_eq!(whole.error.as_ref(), error, "end of {}", show(script));
    same_everywhere(options, script, &whole);
}

/// Checks that no way to cut the input changes the outcome, and that the other lexer agrees.
fn same_everywhere(options: &SplitOptions, script: &[u8], whole: &Outcome) {
    let other = reference::lex(options, script);
    assert_eq!(*whole, other, "reference lexer on {}", show(script));
    for cut in 0..=script.len() {
        let halves = drive(options, script, &[cut]);
        assert_eq!(halves, *whole, "cut at {cut} of {}", show(script));
    }
    let all: Vec<usize> = (0..=script.len()).collect();
    let single = drive(options, script, &all);
    assert_eq!(single, *whole, "byte by byte of {}", show(script));
    for seed in 1..=4 {
        let cuts = random_cuts(script.len(), seed);
        let pieces = drive(options, script, &cuts);
        assert_eq!(pieces, *whole, "cut at {cuts:?} of {}", show(script));
    }
}

/// `name: script => [statements]`, with `[options]` after the name where they matter, and the
/// error after the statements where there is one.
macro_rules! splits_to {
    ($($name:ident $([$options:expr])?: $script:expr => [$($text:expr),* $(,)?] $(, $error:expr)?;)*) => {
        $(
            #[test]
            fn $name() {
                let options = [$($options,)? maria()];
                let texts: Vec<Vec<u8>> = vec![$(bytes(&$text)),*];
                let errors: &[LexError] = &[$($error)?];
                let script = bytes(&$script);
                check(&options[0], &script, &texts, errors.first());
            }
        )*
    };
}
use splits_to;
