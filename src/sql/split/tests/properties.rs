//! Random scripts of the bytes that hurt most.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

use super::*;

/// Pieces that open, close, escape, end or look like something.
const TOKENS: &[&[u8]] = &[
    b"'",
    b"'",
    b"\"",
    b"`",
    b"''",
    b"\\",
    b"\\'",
    b"\\\\",
    b"\\N",
    b"\\g",
    b"\\G",
    b"\\-",
    b"\\!",
    b";",
    b";",
    b";;",
    b"//",
    b"$$",
    b"$a$",
    b"$",
    b"a",
    b"b",
    b"SELECT 1",
    b"NOBS;",
    b"BS;",
    b"ANSI;",
    b"NOANSI;",
    b"SJIS;",
    b"GBK;",
    b"UTF8;",
    b"use a\n",
    b"USE `a`\r\n",
    b"use ",
    b"DELIMITER //\n",
    b"DELIMITER ;\n",
    b"delimiter $$\n",
    b"\nDelimiter\t';;'x\r\n",
    b"DELIMITER \" x\"",
    b"DELIMITER ab\n",
    b"DELIMITER d\n",
    b"DELIMITER",
    b"DELIMITER */\n",
    b"DELIMITER /*!*/;\n",
    b"DELIMITER \x83\\\n",
    b"DELIMITER #\n",
    b"DELIMITER -- c\n",
    b"/*",
    b"*/",
    b"*/",
    b"/*!",
    b"/*!50003 ",
    b"/*!999999",
    b"/*!*/",
    b"/*!40000 */",
    b"/*M!",
    b"/*M!999999\\- x */",
    b"/*+",
    b"--",
    b"-- ",
    b"--\x01",
    b"#",
    b"\n",
    b"\n",
    b"\r\n",
    b" ",
    b"\t",
    b"\x0b",
    b"*",
    b"/",
    b"-",
    b"!",
    b"M",
    b"9",
    b"\x83",
    b"\x83\\",
    b"\x81\x30\x81\x30",
    b"\xA1`",
    b"\xB0a",
    b"\x95\x5c'",
    b"\xC3\xA9",
    b"\xEF\xBB\xBF",
    b"\xFE\xFF",
    b"\xFF",
    b"\0",
    b"\x7f",
];

fn scripts() -> impl Strategy<Value = Vec<u8>> {
    vec(select(TOKENS), 0..24).prop_map(|tokens| tokens.concat())
}

fn any_options() -> impl Strategy<Value = SplitOptions> {
    (
        select(vec![maria().dialect, my8().dialect, my9().dialect]),
        select(vec![
            Charset::Utf8,
            Charset::Utf8,
            Charset::Sjis,
            Charset::Gbk,
            Charset::Gb18030,
            Charset::Big5,
            Charset::EucKr,
        ]),
        any::<(bool, bool)>(),
        select(vec![usize::MAX, usize::MAX, 0, 3, 12]),
    )
        .prop_map(
            |(dialect, charset, (no_backslash_escapes, ansi_quotes), max_statement_bytes)| {
                SplitOptions {
                    dialect,
                    charset,
                    no_backslash_escapes,
                    ansi_quotes,
                    max_statement_bytes,
                }
            },
        )
}

/// Cases are cheap here; `PROPTEST_CASES` can ask for more.
fn config() -> ProptestConfig {
    let default = ProptestConfig::default();
    ProptestConfig { cases: default.cases.max(3000), ..default }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn any_cut_gives_what_the_reference_lexer_gives(
        options in any_options(),
        script in scripts(),
        seed in any::<u64>(),
    ) {
        let expected = reference::lex(&options, &script);
        let cuts = random_cuts(script.len(), seed);
        prop_assert_eq!(drive(&options, &script, &[]), expected.clone());
        prop_assert_eq!(drive(&options, &script, &cuts), expected);
    }

    #[test]
    fn any_bytes_are_taken_without_a_panic(
        options in any_options(),
        script in vec(any::<u8>(), 0..64),
        seed in any::<u64>(),
    ) {
        let whole = drive(&options, &script, &[]);
        prop_assert_eq!(&whole, &reference::lex(&options, &script));
        prop_assert_eq!(&whole, &drive(&options, &script, &random_cuts(script.len(), seed)));
    }

    #[test]
    fn any_calls_are_taken_without_a_panic(
        options in any_options(),
        calls in vec((scripts(), any::<bool>()), 0..8),
    ) {
        // Buffers that are not what was promised may give nonsense, but no panic.
        let mut splitter = Splitter::new(options);
        for (buffer, end) in calls {
            let _ = splitter.step(&buffer, end);
        }
    }
}
