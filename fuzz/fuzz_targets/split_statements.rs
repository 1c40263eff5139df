//! Any script under any options: no panic, the same statements in any pieces, and the same as the
//! second lexer of the unit tests finds.
#![cfg_attr(feature = "libfuzzer", no_main)]

#[path = "../../src/sql/split/tests/drive.rs"]
mod drive;
#[path = "../../src/sql/split/tests/given.rs"]
#[allow(dead_code, reason = "the unit tests use all of it")]
mod given;
#[path = "../../src/sql/split/tests/reference.rs"]
mod reference;

use snapdump::sql::charset::Charset;
use snapdump::sql::split::{
    Construct, DelimiterFault, Dialect, LexError, Position, SplitOptions, Splitter, Step,
};
use snapdump_fuzz::bytes::Front;

use crate::drive::{drive, random_cuts};
use crate::given::*;

/// The second lexer counts lines from the start for every place, so long scripts are slow.
const LONGEST: usize = 4096;

const fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t'..=b'\r')
}

/// The first four bytes are the dialect, the character set, the SQL mode and the limit, and how the
/// script is cut; `0`, `1` and so on choose the first, the second and so on.
fn run(data: &[u8]) {
    let mut front = Front::new(data);
    let dialect = front.choose(&[
        Dialect::MariaDb,
        Dialect::MySql { dollar_quotes: true },
        Dialect::MySql { dollar_quotes: false },
    ]);
    let charset = front.choose(&[
        Charset::Utf8,
        Charset::AsciiSafe,
        Charset::Sjis,
        Charset::Gbk,
        Charset::Gb18030,
        Charset::Big5,
        Charset::EucKr,
    ]);
    let mode = front.byte();
    let seed = front.byte();
    let script = front.rest();
    if script.len() > LONGEST {
        return;
    }
    let options = SplitOptions {
        charset,
        no_backslash_escapes: mode & 1 != 0,
        ansi_quotes: mode & 2 != 0,
        max_statement_bytes: if mode & 4 != 0 { 16 } else { usize::MAX },
        ..SplitOptions::new(dialect)
    };
    let whole = drive(&options, script, &[]);
    let cuts = random_cuts(script.len(), u64::from(seed));
    assert_eq!(drive(&options, script, &cuts), whole, "cut at {cuts:?}");
    assert_eq!(reference::lex(&options, script), whole, "second lexer");
}

snapdump_fuzz::target!(run);
