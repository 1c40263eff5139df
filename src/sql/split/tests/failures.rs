//! Scripts that cannot be cut, and where that is found.

use super::*;

pub(super) fn unclosed(what: Construct, line: u64, byte: u64) -> LexError {
    LexError::Unclosed { what, at: at(line, byte) }
}

pub(super) fn command(command: impl Into<Option<char>>, line: u64, byte: u64) -> LexError {
    LexError::ClientCommand { command: command.into(), at: at(line, byte) }
}

pub(super) fn nul(line: u64, byte: u64) -> LexError {
    LexError::Nul { at: at(line, byte) }
}

pub(super) fn delimiter(fault: DelimiterFault, line: u64, byte: u64) -> LexError {
    LexError::Delimiter { fault, at: at(line, byte) }
}

pub(super) fn too_large(limit: usize, line: u64, byte: u64) -> LexError {
    LexError::TooLarge { limit, at: at(line, byte) }
}

pub(super) fn left(delimiter: &str, set_at: Position, from: Position) -> LexError {
    LexError::Undelimited { delimiter: delimiter.to_owned(), set_at, at: from }
}

pub(super) mod at_the_end {
    use super::*;

    splits_to! {
        open_string: "a;\n b 'c;\n" => ["a"], unclosed(Construct::SingleQuotes, 2, 6);
        open_double_quotes: "a;\"b\n\n" => ["a"], unclosed(Construct::DoubleQuotes, 1, 2);
        open_backticks: "\n`b;" => [], unclosed(Construct::Backticks, 2, 1);
        open_comment: "a;\n\n/* b;\nc" => ["a"], unclosed(Construct::Comment, 3, 4);
        open_comment_in_a_statement: "a /* b;" => [], unclosed(Construct::Comment, 1, 2);
        open_hint: "a; /*+ b" => ["a"], unclosed(Construct::Comment, 1, 3);
        open_hint_mark: "/*+" => [], unclosed(Construct::Comment, 1, 0);
        open_executable_comment: "a;\n/*!50001 b" => ["a"], unclosed(Construct::Comment, 2, 3);
        open_maria_comment: "/*M!100100 a" => [], unclosed(Construct::Comment, 1, 0);
        open_empty_comment: "/*" => [], unclosed(Construct::Comment, 1, 0);
        open_comment_with_a_star: "/* *" => [], unclosed(Construct::Comment, 1, 0);
        open_comment_with_an_m: "/*M" => [], unclosed(Construct::Comment, 1, 0);
        open_comment_that_looks_closed: "/*/" => [], unclosed(Construct::Comment, 1, 0);
        open_version_nobody_has: "/*!999999" => [], unclosed(Construct::Comment, 1, 0);
        open_version_nobody_has_inside: "\n/*!999999 /* */" => [], unclosed(Construct::Comment, 2, 1);
        a_level_too_many: "/*!999999 /* */ /* */ ;" => [], unclosed(Construct::Comment, 1, 0);
        open_dollar_quote [my9()]: "a\n$b$;$b" => [], unclosed(Construct::DollarQuotes, 2, 2);
        open_dollars [my9()]: "a;$$" => ["a"], unclosed(Construct::DollarQuotes, 1, 2);
        open_after_an_escape: "'a\\" => [], unclosed(Construct::SingleQuotes, 1, 0);
        open_after_an_escaped_quote: "'a\\'" => [], unclosed(Construct::SingleQuotes, 1, 0);
        open_after_a_doubled_quote: "a;'b''" => ["a"], unclosed(Construct::SingleQuotes, 1, 5);
        open_in_a_wide_character [charset("sjis")]: b"a;'\x95\x5c" => [b"a"], unclosed(Construct::SingleQuotes, 1, 2);
        open_in_half_a_character [charset("sjis")]: b"a;'\x95" => [b"a"], unclosed(Construct::SingleQuotes, 1, 2);
        open_under_another_delimiter: "DELIMITER //\na 'b" => [], unclosed(Construct::SingleQuotes, 2, 15);
        open_after_a_long_comment: "/* a\nb\nc */\n/* d\ne" => [], unclosed(Construct::Comment, 4, 12);
        a_body_without_its_delimiter: "DELIMITER ;;\na; b;\nEND ;\n" => [],
            left(";;", at(1, 0), at(2, 13));
        a_body_and_the_default_delimiter: "a;\nDELIMITER //\nb;\nc;\n" => ["a"],
            left("//", at(2, 3), at(3, 16));
        a_body_swallows_the_next_command: "DELIMITER $$\na;\nDELIMITER ;\nb;" => [],
            left("$$", at(1, 0), at(2, 13));
        the_last_delimiter_command_counts: "DELIMITER a\n\nDELIMITER §\nb" => [],
            left("\\xc2\\xa7", at(3, 13), at(4, 26));
    }
}

pub(super) mod commands {
    use super::*;

    splits_to! {
        shell: "a;\n\\! ls\n" => ["a"], command('!', 2, 3);
        shell_inside_a_statement: "a \\! ls;" => [], command('!', 1, 2);
        source: "\\. x.sql" => [], command('.', 1, 0);
        tee: "\\T x" => [], command('T', 1, 0);
        charset_command: "\\C utf8" => [], command('C', 1, 0);
        use_command: "\\u a" => [], command('u', 1, 0);
        quit: "a;\\q" => ["a"], command('q', 1, 2);
        lower_case_n_is_a_pager: "\\n" => [], command('n', 1, 0);
        in_a_version_comment: "/*!50000 \\! ls */;" => [], command('!', 1, 9);
        sandbox_inside_a_statement: "a \\- b;" => [], command('-', 1, 2);
        sandbox_in_a_real_version: "/*!50000\\- b */;" => [], command('-', 1, 8);
        without_backslash_escapes [no_backslash()]: "\\! ls" => [], command('!', 1, 0);
        a_backslash_before_a_line_feed: "a\\\nb" => [], command(None, 1, 1);
        a_backslash_before_a_high_byte: b"a\\\xff" => [], command(None, 1, 1);
        a_backslash_at_the_end: "a;b\\" => ["a"], command(None, 1, 3);
        a_backslash_and_a_quote: "\\'a';" => [], command('\'', 1, 0);
        a_backslash_and_a_delimiter: "a\\;" => [], command(';', 1, 1);
    }
}

pub(super) mod delimiter_commands {
    use super::*;

    splits_to! {
        no_argument: "a;\nDELIMITER\nb;" => ["a"], delimiter(DelimiterFault::Missing, 2, 3);
        blanks_only: "DELIMITER  \t\r\nb;" => [], delimiter(DelimiterFault::Missing, 1, 0);
        nothing_at_the_end: "DELIMITER" => [], delimiter(DelimiterFault::Missing, 1, 0);
        blanks_at_the_end: " DELIMITER  " => [], delimiter(DelimiterFault::Missing, 1, 1);
        empty_quotes: "DELIMITER ''\n" => [], delimiter(DelimiterFault::Missing, 1, 0);
        sixteen_bytes: "DELIMITER 1234567890123456\n" => [], delimiter(DelimiterFault::TooLong, 1, 0);
        sixteen_bytes_in_quotes: "DELIMITER '1234567890123456'\n" => [], delimiter(DelimiterFault::TooLong, 1, 0);
        a_line_of_many_bytes: "DELIMITER aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa" => [],
            delimiter(DelimiterFault::TooLong, 1, 0);
        an_open_quote: "DELIMITER '//\na//" => [], delimiter(DelimiterFault::Unclosed, 1, 0);
        an_open_quote_at_the_end: "DELIMITER \"//" => [], delimiter(DelimiterFault::Unclosed, 1, 0);
        another_quote: "DELIMITER `//'\n" => [], delimiter(DelimiterFault::Unclosed, 1, 0);
        a_backslash: "DELIMITER \\\na" => [], delimiter(DelimiterFault::Backslash, 1, 0);
        a_backslash_inside: "DELIMITER a\\b\na" => [], delimiter(DelimiterFault::Backslash, 1, 0);
        a_backslash_in_quotes: "DELIMITER 'a\\'\na" => [], delimiter(DelimiterFault::Backslash, 1, 0);
        a_zero_byte: "DELIMITER a\0b\na" => [], delimiter(DelimiterFault::Nul, 1, 0);
        a_zero_byte_behind: "DELIMITER a b\0\na" => [], nul(1, 13);
    }
}

pub(super) mod bad_bytes {
    use super::*;

    splits_to! {
        a_zero_byte: "a;\nb\0c;" => ["a"], nul(2, 4);
        a_zero_byte_alone: "\0" => [], nul(1, 0);
        a_zero_byte_between: "a;\0" => ["a"], nul(1, 2);
        a_zero_byte_in_a_line_comment: "-- a\0\n" => [], nul(1, 4);
        a_zero_byte_in_a_block: "/* a\n\0 */" => [], nul(2, 5);
        a_zero_byte_in_a_version_nobody_has: "/*!999999 \0 */" => [], nul(1, 10);
        a_zero_byte_after_dashes: "--\0" => [], nul(1, 2);
        a_zero_byte_in_a_version_comment: "/*!50000 \0 */" => [], nul(1, 9);
        utf16_big_endian: b"\xfe\xff\0a" => [], LexError::Utf16 { at: at(1, 0) };
        utf16_little_endian: b"\xff\xfea\0" => [], LexError::Utf16 { at: at(1, 0) };
        utf16_mark_alone: b"\xff\xfe" => [], LexError::Utf16 { at: at(1, 0) };
        utf32_little_endian: b"\xff\xfe\0\0a\0\0\0" => [], LexError::Utf16 { at: at(1, 0) };
        utf16_without_a_mark: b"S\0E\0" => [], nul(1, 1);
    }
}

pub(super) mod limits {
    use super::*;

    splits_to! {
        just_fits [limit(5)]: "abcde;abcde;" => ["abcde", "abcde"];
        one_too_many [limit(5)]: "abcde;\nabcdef;" => ["abcde"], too_large(5, 2, 7);
        at_the_end_just_fits [limit(5)]: "a;abcde" => ["a", "abcde"];
        at_the_end_one_too_many [limit(5)]: "a;abcdef" => ["a"], too_large(5, 1, 2);
        open_string_beyond [limit(5)]: "a; 'bcdef" => ["a"], too_large(5, 1, 3);
        open_string_within [limit(9)]: "a; 'bcdef" => ["a"], unclosed(Construct::SingleQuotes, 1, 3);
        a_wrong_byte_beyond [limit(3)]: "abcdef\0" => [], too_large(3, 1, 0);
        a_wrong_byte_within [limit(9)]: "abcdef\0" => [], nul(1, 6);
        a_command_beyond [limit(3)]: "abcdef\\!" => [], too_large(3, 1, 0);
        white_space_counts_before_the_delimiter [limit(3)]: "ab    ;" => [], too_large(3, 1, 0);
        comments_between_do_not_count [limit(3)]: "/* longer than that */ abc; -- and this\nb" => ["abc", "b"];
        comments_inside_count [limit(5)]: "ab /* c */;" => [], too_large(5, 1, 0);
        no_tag_does_not_count_before_it_is_read [SplitOptions { max_statement_bytes: 3, ..my9() }]:
            "DELIMITER b\n$aab c" => ["$aa"], left("b", at(1, 0), at(2, 17));
    }
}
