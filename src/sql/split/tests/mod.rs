//! Every case runs whole, cut in two at every byte, byte by byte, in random pieces, and through a
//! second lexer that knows nothing of the first.

mod cases;
mod drive;
mod failures;
mod properties;
mod reference;
mod state;

use super::*;
use drive::{Outcome, drive, random_cuts};

/// A script as the tests write it: text, or bytes that are no text.
fn bytes(text: &(impl AsRef<[u8]> + ?Sized)) -> Vec<u8> {
    text.as_ref().to_vec()
}

/// The options most cases run under.
fn maria() -> SplitOptions {
    SplitOptions::new(Dialect::MariaDb)
}

fn my8() -> SplitOptions {
    SplitOptions::new(Dialect::MySql { dollar_quotes: false })
}

fn my9() -> SplitOptions {
    SplitOptions::new(Dialect::MySql { dollar_quotes: true })
}

fn no_backslash() -> SplitOptions {
    SplitOptions { no_backslash_escapes: true, ..maria() }
}

fn ansi() -> SplitOptions {
    SplitOptions { ansi_quotes: true, ..maria() }
}

fn charset(name: &str) -> SplitOptions {
    SplitOptions { charset: Charset::from_name(name).unwrap(), ..maria() }
}

fn limit(max_statement_bytes: usize) -> SplitOptions {
    SplitOptions { max_statement_bytes, ..maria() }
}

fn at(line: u64, byte: u64) -> Position {
    Position { byte, line }
}

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

fn show(text: &[u8]) -> String {
    text.escape_ascii().to_string()
}

/// `name: script => [statements]`, with `[options]` after the name where they matter, and the
/// error after the statements where there is one.
macro_rules! splits_to {
    ($($name:ident $([$options:expr])?: $script:expr => [$($text:expr),* $(,)?] $(, $error:expr)?;)*) => {
        $(
            #[test]
            fn $name() {
                let options = [$($options,)? $crate::sql::split::tests::maria()];
                let texts: Vec<Vec<u8>> = vec![$($crate::sql::split::tests::bytes(&$text)),*];
                let errors: &[$crate::sql::split::LexError] = &[$($error)?];
                let script = $crate::sql::split::tests::bytes(&$script);
                $crate::sql::split::tests::check(&options[0], &script, &texts, errors.first());
            }
        )*
    };
}
use splits_to;
