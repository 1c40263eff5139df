//! Scripts that can be cut, by what they are about.

use super::*;

pub(super) mod delimiters {
    use super::*;

    splits_to! {
        nothing: "" => [];
        only_a_line_feed: "\n" => [];
        only_white_space: " \t\r\n\x0b\x0c" => [];
        one_without_delimiter: "SELECT 1" => ["SELECT 1"];
        one_with_delimiter: "SELECT 1;" => ["SELECT 1"];
        two: "SELECT 1; SELECT 2;" => ["SELECT 1", "SELECT 2"];
        two_without_space: "a;b" => ["a", "b"];
        last_without_delimiter: "a;\nb\n" => ["a", "b"];
        white_space_is_trimmed: " \n\ta \x0b\x0c\r\n; b\t" => ["a", "b"];
        a_nonbreaking_space_is_not_white: "\u{a0}a\u{a0};" => ["\u{a0}a\u{a0}"];
        inner_white_space_is_kept: "a \n\n b;" => ["a \n\n b"];
        crlf_is_kept_inside: "a\r\nb;\r\nc" => ["a\r\nb", "c"];
        a_lone_cr_is_kept_inside: "a\rb;" => ["a\rb"];
        only_delimiters: ";;;\n; ;" => [];
        empty_between: "a;;b; ;c" => ["a", "b", "c"];
        leading_delimiter: ";a" => ["a"];
        set_slashes: "DELIMITER //\na; b//\nc//" => ["a; b", "c"];
        set_back: "DELIMITER //\na//\nDELIMITER ;\nb;c" => ["a", "b", "c"];
        set_dollars: "DELIMITER $$\na; b$$\nDELIMITER ;\nc" => ["a; b", "c"];
        set_dollars_in_nine [my9()]: "DELIMITER $$\na; b$$\nDELIMITER ;\nc" => ["a; b", "c"];
        set_to_two_semicolons: "DELIMITER ;;\na;b;;\nDELIMITER ;\nc;" => ["a;b", "c"];
        double_delimiter_wins_over_its_half: "DELIMITER ;;\n;;;a;;;\n;;" => [";a", ";"];
        set_to_hash: "DELIMITER #\na;b#c#" => ["a;b", "c"];
        set_to_dashes: "DELIMITER --\na -- b--\n" => ["a", "b"];
        set_to_slash: "DELIMITER /\na;b\n/\nc/" => ["a;b", "c"];
        set_to_a_quote: "DELIMITER \"'\"\na'b'" => ["a", "b"];
        set_to_a_backtick: "DELIMITER '`'\na`b`" => ["a", "b"];
        set_to_an_empty_version_comment:
            "DELIMITER /*!*/;\nSET a=1/*!*/;\n# at 4\nCOMMIT /* x */ /*!*/;\nDELIMITER ;\nb;"
            => ["SET a=1", "COMMIT /* x */", "b"];
        set_to_a_comment_end: "DELIMITER */\na */ b; /* c */ */" => ["a", "b; /* c */"];
        set_to_a_word: "DELIMITER go\na; b\ngo\nc go" => ["a; b", "c"];
        a_word_needs_no_boundary: "DELIMITER go\nalgo rithm go" => ["al", "rithm"];
        a_word_in_its_own_case: "DELIMITER go\na GO b go" => ["a GO b"];
        set_to_d: "DELIMITER d\na d DELIMITER ;\nb;" => ["a", "b"];
        set_to_its_own_name: "DELIMITER delimiter\na; delimiter b delimiter" => ["a;", "b"];
        set_to_backslash_free_symbols: "DELIMITER @@@\na@@b@@@c@@@" => ["a@@b", "c"];
        set_to_non_ascii: "DELIMITER §§\na;§b§§c§§" => ["a;§b", "c"];
        fifteen_bytes: "DELIMITER 123456789012345\na123456789012345 b123456789012345" => ["a", "b"];
        fifteen_bytes_in_quotes: "DELIMITER '12345678901234 '\na12345678901234 " => ["a"];
        partial_delimiter_at_the_end_is_text: "DELIMITER ;;\na;;b;;;" => ["a", "b"], undelimited(";;", (1, 0), (2, 19));
        in_single_quotes: "DELIMITER ';;'\na;;b;;" => ["a", "b"];
        in_double_quotes: "DELIMITER \";;\"\na;;b;;" => ["a", "b"];
        in_backticks: "DELIMITER `;;`\na;;b;;" => ["a", "b"];
        quotes_allow_white_space: "DELIMITER 'a b'\nx a y a b z a b" => ["x a y", "z"];
        quotes_allow_leading_white_space: "DELIMITER ' x'\na x x b x" => ["a", "b"];
        any_case: "dElImItEr //\na//" => ["a"];
        after_a_tab: "DELIMITER\t//\na//" => ["a"];
        after_a_vertical_tab: "DELIMITER\x0b//\na//" => ["a"];
        after_a_form_feed: "DELIMITER\x0c//\na//" => ["a"];
        after_many_blanks: "DELIMITER  \t \t//\na//" => ["a"];
        argument_ends_at_a_tab: "DELIMITER //\tx\na//" => ["a"];
        argument_ends_at_cr: "DELIMITER //\r\na//\r\nDELIMITER ;\r\nb;" => ["a", "b"];
        rest_of_the_line_is_ignored: "DELIMITER // x ' y\na//" => ["a"];
        rest_after_quotes_is_ignored: "DELIMITER '//'x;y\na//" => ["a"];
        without_a_line_feed: "DELIMITER //" => [];
        as_the_last_line: "a;\nDELIMITER ;" => ["a"];
        indented: "  DELIMITER //\na//" => ["a"];
        after_a_statement_on_the_line: "a; DELIMITER //\nb;c//" => ["a", "b;c"];
        after_a_statement_with_its_delimiter: "DELIMITER //\na// DELIMITER ;\nb;c" => ["a", "b", "c"];
        after_a_block_comment: "/* x */ DELIMITER //\na;b//" => ["a;b"];
        after_a_doc_comment: "/** x\n * y\n */\nDELIMITER //\na;b//" => ["a;b"];
        after_a_path_in_a_comment: "/* a/b */\nDELIMITER //\na;b//" => ["a;b"];
        after_an_indented_line_comment: "   -- c\nDELIMITER //\na;b//" => ["a;b"];
        after_a_hash_comment: "# c\nDELIMITER //\na;b//" => ["a;b"];
        inside_a_statement_it_is_text: "SELECT\nDELIMITER //\n;" => ["SELECT\nDELIMITER //"];
        as_a_column_it_is_text: "SELECT a,\ndelimiter\nFROM t;" => ["SELECT a,\ndelimiter\nFROM t"];
        in_a_string_it_is_text: "'\nDELIMITER //\n';" => ["'\nDELIMITER //\n'"];
        in_a_comment_it_is_text: "/*\nDELIMITER //\n*/ a;b" => ["a", "b"];
        a_longer_word_is_no_command: "delimiters //;a" => ["delimiters //", "a"];
        a_word_and_a_semicolon_is_no_command: "DELIMITER; a" => ["DELIMITER", "a"];
        a_shorter_word_is_no_command: "delim //; a" => ["delim //", "a"];
        a_word_cut_off_is_no_command: "a; delimite" => ["a", "delimite"];
        set_twice: "DELIMITER //\nDELIMITER $$\na//b$$" => ["a//b"];
        set_and_unused: "DELIMITER //\n-- nothing\n" => [];
        unfinished_under_the_default: "DELIMITER //\nDELIMITER ;\nb" => ["b"];
        inside_a_version_comment: "/*!50003 a; b */;" => ["/*!50003 a", "b */"];
        inside_a_version_comment_with_another: "DELIMITER ;;\n/*!50003 a; b */;;" => ["/*!50003 a; b */"];
        right_after_a_comment: "a/* c */;b" => ["a/* c */", "b"];
        go: "a\\g b" => ["a", "b"];
        ego: "a\\G\nb\\G" => ["a", "b"];
        go_and_delimiter: "a\\g;b" => ["a", "b"];
        go_under_another_delimiter: "DELIMITER //\na;\\g b//" => ["a;", "b"];
        go_alone: "\\g\\G" => [];
    }
}

pub(super) mod use_lines {
    use super::*;

    splits_to! {
        bare: "USE a\nSELECT 1;" => ["USE a", "SELECT 1"];
        with_a_delimiter: "use a;\nb" => ["use a", "b"];
        with_a_delimiter_on_the_next_line: "use a\n;b" => ["use a", "b"];
        backticks: "Use `a b`\nc" => ["Use `a b`", "c"];
        doubled_backticks: "use `a``b`\nc;" => ["use `a``b`", "c"];
        a_delimiter_in_backticks: "use `a;b`\n;c" => ["use `a;b`", "c"];
        crlf: "use a \r\nb;\r\n" => ["use a", "b"];
        blanks: "  use \t a\t \nb;" => ["use \t a", "b"];
        after_a_comment: "-- c\nuse a\nb;" => ["use a", "b"];
        after_a_statement: "a; use b\nc;" => ["a", "use b", "c"];
        under_another_delimiter: "DELIMITER //\nuse a\nb;c//" => ["use a", "b;c"];
        at_the_end: "use a" => ["use a"];
        high_bytes: "use é\nb" => ["use é", "b"];
        wide_letters_need_a_delimiter [charset("sjis")]: b"use \x83\x41\nb;c" => [b"use \x83\x41\nb".as_slice(), b"c"];
        no_name: "use\na;b" => ["use\na", "b"];
        no_name_but_blanks: "use  \na;b" => ["use  \na", "b"];
        two_names: "use a b\nc;d" => ["use a b\nc", "d"];
        a_comment_behind_it: "use a -- x\n;b" => ["use a -- x", "b"];
        a_longer_word: "user a\nb;c" => ["user a\nb", "c"];
        another_word: "us a\nb;c" => ["us a\nb", "c"];
        inside_a_statement: "a\nuse b\nc;d" => ["a\nuse b\nc", "d"];
        inside_a_version_comment: "/*!50000 use a\n*/;b" => ["/*!50000 use a\n*/", "b"];
        open_backticks: "use `a\nb`;c" => ["use `a\nb`", "c"];
        a_backtick_too_many: "use `a`b`\n`;c" => ["use `a`b`\n`", "c"];
        empty_backticks: "use ``\na;b" => ["use ``\na", "b"];
        a_delimiter_that_begins_like_it: "DELIMITER un\nuse a\nb; un" => ["use a", "b;"];
        a_delimiter_in_the_name: "DELIMITER go\nuse a\nuse ago\nb go" => ["use a", "use a", "b"];
        longest: format!("use {}\nb;", "a".repeat(295)) => [format!("use {}", "a".repeat(295)), "b"];
        too_long: format!("use {}\nb;", "a".repeat(296)) => [format!("use {}\nb", "a".repeat(296))];
    }
}

pub(super) mod quotes {
    use super::*;

    splits_to! {
        single: "';';a" => ["';'", "a"];
        double: "\";\";a" => ["\";\"", "a"];
        backtick: "`;`;a" => ["`;`", "a"];
        empty: "'';\"\";``;a" => ["''", "\"\"", "``", "a"];
        doubled_single: "'a'';b';c" => ["'a'';b'", "c"];
        doubled_double: "\"a\"\";b\";c" => ["\"a\"\";b\"", "c"];
        doubled_backtick: "`a``;b`;c" => ["`a``;b`", "c"];
        only_doubled: "'''';a" => ["''''", "a"];
        other_quotes_inside: "'\"`;';\"'`;\";`'\";`" => ["'\"`;'", "\"'`;\"", "`'\";`"];
        over_lines: "'a\n;\nb';c" => ["'a\n;\nb'", "c"];
        crlf_is_kept: "'a\r\nb';c" => ["'a\r\nb'", "c"];
        a_comment_inside_is_text: "'/* ; -- # */';a" => ["'/* ; -- # */'", "a"];
        escaped_single: "'a\\';b';c" => ["'a\\';b'", "c"];
        escaped_double: "\"a\\\";b\";c" => ["\"a\\\";b\"", "c"];
        escaped_backslash: "'a\\\\';b" => ["'a\\\\'", "b"];
        three_backslashes: "'a\\\\\\';b';c" => ["'a\\\\\\';b'", "c"];
        escaped_line_feed_is_kept: "'a\\\nb';c" => ["'a\\\nb'", "c"];
        escaped_letter: "'\\n\\0\\Z\\%';c" => ["'\\n\\0\\Z\\%'", "c"];
        a_backslash_in_backticks_is_text: "`a\\`;b" => ["`a\\`", "b"];
        a_backslash_ends_a_string_without_escapes [no_backslash()]: "'a\\';b" => ["'a\\'", "b"];
        a_backslash_ends_double_quotes_without_escapes [no_backslash()]: "\"a\\\";b" => ["\"a\\\"", "b"];
        doubled_without_escapes [no_backslash()]: "'a\\'';b';c" => ["'a\\'';b'", "c"];
        an_ansi_identifier_has_no_escapes [ansi()]: "\"a\\\";b" => ["\"a\\\"", "b"];
        an_ansi_string_has_escapes [ansi()]: "'a\\';b';c" => ["'a\\';b'", "c"];
        a_zero_byte_in_a_string: "'a\0;b';c" => ["'a\0;b'", "c"];
        an_escaped_zero_byte: "'a\\\0;b';c" => ["'a\\\0;b'", "c"];
        a_zero_byte_in_double_quotes: "\"\0\";c" => ["\"\0\"", "c"];
        a_zero_byte_in_backticks: "`\0`;c" => ["`\0`", "c"];
        a_command_in_a_string_is_text: "'\\! rm';c" => ["'\\! rm'", "c"];
        a_mark_in_a_string_is_text: "'\u{feff}';c" => ["'\u{feff}'", "c"];
        binary_bytes: b"_binary '\xff\xfe\x80\x00\\\\';c" => [b"_binary '\xff\xfe\x80\x00\\\\'", b"c"];
        introducer_and_hex: "_utf8mb4 0x2720, x'3b', b'01';c" => ["_utf8mb4 0x2720, x'3b', b'01'", "c"];
        adjacent: "'a' ';' 'b';c" => ["'a' ';' 'b'", "c"];
        another_delimiter_inside: "DELIMITER //\n'//'//a//" => ["'//'", "a"];
        quote_at_the_end: "a';'" => ["a';'"];
        escapes_as_the_script_sets_them: "NOBS;'\\';BS;'\\';';c" => ["NOBS", "'\\'", "BS", "'\\';'", "c"];
        ansi_as_the_script_sets_it: "ANSI;\"\\\";NOANSI;\"\\\";\";c" => ["ANSI", "\"\\\"", "NOANSI", "\"\\\";\"", "c"];
        escapes_set_just_before: "NOBS;'a\\'" => ["NOBS", "'a\\'"];
    }
}

pub(super) mod dollars {
    use super::*;

    splits_to! {
        quoted [my9()]: "a $$;$$;b" => ["a $$;$$", "b"];
        tagged [my9()]: "a $js$;$$;$js$;b" => ["a $js$;$$;$js$", "b"];
        tag_of_letters_and_digits [my9()]: "$a_1$;$a_1$;b" => ["$a_1$;$a_1$", "b"];
        tag_of_high_bytes [my9()]: "$é$;$é$;b" => ["$é$;$é$", "b"];
        another_tag_inside [my9()]: "$a$ $b$;$b$ $a$;b" => ["$a$ $b$;$b$ $a$", "b"];
        half_a_tag_inside [my9()]: "$ab$ $a $ab $ab;$ab$;b" => ["$ab$ $a $ab $ab;$ab$", "b"];
        tags_in_their_own_case [my9()]: "$a$;$A$;$a$;b" => ["$a$;$A$;$a$", "b"];
        quotes_inside [my9()]: "$$ ' \" ` /* -- # $$;b" => ["$$ ' \" ` /* -- # $$", "b"];
        a_backslash_inside [my9()]: "$$\\$$;b" => ["$$\\$$", "b"];
        over_lines [my9()]: "$$\n;\n$$;b" => ["$$\n;\n$$", "b"];
        a_zero_byte_inside [my9()]: "$$\0$$;b" => ["$$\0$$", "b"];
        a_space_is_no_tag [my9()]: "$ $;b" => ["$ $", "b"];
        a_line_feed_is_no_tag [my9()]: "$a\n$;b" => ["$a\n$", "b"];
        no_tag_is_text [my9()]: "$a;b" => ["$a", "b"];
        no_tag_and_a_string [my9()]: "$a';';b" => ["$a';'", "b"];
        no_tag_at_the_end [my9()]: "a; $b" => ["a", "$b"];
        a_dollar_at_the_end [my9()]: "a; $" => ["a", "$"];
        inside_an_identifier [my9()]: "a$b$;c" => ["a$b$", "c"];
        two_inside_an_identifier [my9()]: "a$$;c" => ["a$$", "c"];
        after_a_digit [my9()]: "1$$;c" => ["1$$", "c"];
        after_a_high_byte [my9()]: "é$$;c" => ["é$$", "c"];
        after_a_bracket [my9()]: "($$;$$);c" => ["($$;$$)", "c"];
        after_a_comment [my9()]: "/* x */$$;$$;c" => ["$$;$$", "c"];
        after_a_delimiter [my9()]: "a;$$;$$;c" => ["a", "$$;$$", "c"];
        after_a_delimiter_of_letters [my9()]: "DELIMITER x\nax$$ x $$x" => ["a", "$$ x $$"];
        the_delimiter_comes_first [my9()]: "DELIMITER $\na$b$$" => ["a", "b"];
        a_delimiter_in_a_tag_waits [my9()]: "DELIMITER b\n$ab$ ; $ab$b" => ["$ab$ ; $ab$"];
        a_delimiter_in_no_tag_counts [my9()]: "DELIMITER b\n$ab c b" => ["$a", "c"];
        not_before_nine [my8()]: "$$;$$;b" => ["$$", "$$", "b"];
        not_in_mariadb: "$$;$$;b" => ["$$", "$$", "b"];
    }
}

pub(super) mod comments {
    use super::*;

    splits_to! {
        hash: "# a;b\nc;" => ["c"];
        dashes: "-- a;b\nc;" => ["c"];
        dashes_and_tab: "--\ta;b\nc;" => ["c"];
        dashes_and_line_feed: "--\na;" => ["a"];
        dashes_and_crlf: "--\r\na;" => ["a"];
        dashes_and_control: "--\x01;\na;" => ["a"];
        dashes_and_delete: "--\x7f;\na;" => ["a"];
        dashes_and_nothing: "a;--" => ["a"];
        dashes_at_the_end_of_a_statement: "a --" => ["a --"];
        dashes_and_a_letter_between_statements: "--a;\nb;--c;\nd" => ["b", "d"];
        dashes_and_a_letter_inside_are_code: "a --b;\nc;" => ["a --b", "c"];
        dashes_in_a_sum: "SELECT 5--1;a" => ["SELECT 5--1", "a"];
        three_dashes: "---;a\nb" => ["b"];
        three_dashes_and_a_space: "a--- ;\n;b" => ["a--- ;", "b"];
        one_dash: "-;a" => ["-", "a"];
        one_dash_at_the_end: "a-" => ["a-"];
        negative_numbers: "VALUES (-1,-2);a" => ["VALUES (-1,-2)", "a"];
        a_quote_in_a_line_comment: "-- it's\na;" => ["a"];
        a_backslash_in_a_line_comment: "# \\! x\na;" => ["a"];
        a_lone_cr_does_not_end_a_line_comment: "# a\rb;\nc;" => ["c"];
        only_a_line_comment: "-- a" => [];
        comments_only: "-- a\n# b\n/* c */\n;/* d */;" => [];
        block: "/* a;b */c;" => ["c"];
        block_over_lines: "/* a;\n b; */ c;" => ["c"];
        block_does_not_nest: "/* a /* b */ c;" => ["c"];
        block_with_stars: "/***;***/a;" => ["a"];
        smallest_block: "/**/a;" => ["a"];
        a_slash_does_not_close_its_own_block: "/*/;*/a;" => ["a"];
        a_quote_in_a_block: "/* it's */a;" => ["a"];
        a_backslash_in_a_block: "/* \\! */a;" => ["a"];
        a_line_comment_in_a_block: "/* -- */a;" => ["a"];
        a_block_in_a_line_comment: "-- /*\na;" => ["a"];
        inner_block_is_kept: "a /* ; */ b;c" => ["a /* ; */ b", "c"];
        inner_line_is_kept: "a -- ;'\nb;c" => ["a -- ;'\nb", "c"];
        inner_hash_is_kept: "a # ;'\nb;c" => ["a # ;'\nb", "c"];
        trailing_line_is_kept: "a -- x\n;b" => ["a -- x", "b"];
        trailing_line_at_the_end_is_kept: "a # x" => ["a # x"];
        after_a_statement_it_belongs_to_the_next: "a; -- x\nb;" => ["a", "b"];
        several_before_a_statement: "# a\n-- b\n/* c */ /* d */ e;" => ["e"];
        a_slash_is_code: "1/2;a" => ["1/2", "a"];
        a_slash_at_the_end: "1/" => ["1/"];
        a_star_is_code: "2*3;a" => ["2*3", "a"];
        a_close_without_open_is_code: "a */ b;c" => ["a */ b", "c"];
        a_close_without_open_and_a_star: "a */* b; */;c" => ["a */* b; */", "c"];
        hint_is_kept: "SELECT /*+ x(;) */ 1;a" => ["SELECT /*+ x(;) */ 1", "a"];
        hint_over_lines: "SELECT /*+ x\n ; ' */ 1;a" => ["SELECT /*+ x\n ; ' */ 1", "a"];
        leading_hint_is_kept: "/*+ x */ a;b" => ["/*+ x */ a", "b"];
        a_hint_alone_is_sent: "/*+ x */;b" => ["/*+ x */", "b"];
        a_hint_in_mysql [my9()]: "SELECT /*+ it's */ 1;a" => ["SELECT /*+ it's */ 1", "a"];
        euro_comment: "/* \u{20ac} */ a;" => ["a"];
        a_slash_and_a_plus: "1/+2;a" => ["1/+2", "a"];
    }
}

pub(super) mod version_comments {
    use super::*;

    splits_to! {
        kept: "/*!40101 SET a */;b" => ["/*!40101 SET a */", "b"];
        six_digits: "/*!100100 SET a */;b" => ["/*!100100 SET a */", "b"];
        without_digits: "/*! SET a */;b" => ["/*! SET a */", "b"];
        digits_and_code: "/*!50003CREATE*/;b" => ["/*!50003CREATE*/", "b"];
        at_the_end: "/*!40101 a */" => ["/*!40101 a */"];
        inside_a_statement: "CREATE /*!50017 DEFINER=`a;b`@`c` */ x;d" =>
            ["CREATE /*!50017 DEFINER=`a;b`@`c` */ x", "d"];
        a_string_inside: "/*!40101 SET a='*/;' */;b" => ["/*!40101 SET a='*/;' */", "b"];
        a_comment_inside: "/*!50003 a /* ;' */ b */;c" => ["/*!50003 a /* ;' */ b */", "c"];
        a_string_after_a_comment_inside: "/*! /* x */ , 'it''s */ y;' */;c" =>
            ["/*! /* x */ , 'it''s */ y;' */", "c"];
        a_line_comment_inside: "/*!50003 a -- ;'\n b */;c" => ["/*!50003 a -- ;'\n b */", "c"];
        over_lines: "/*!50003 a\n b\n */;c" => ["/*!50003 a\n b\n */", "c"];
        one_after_the_other: "/*!50001 a*//*!50002 b*/;c" => ["/*!50001 a*//*!50002 b*/", "c"];
        its_end_and_a_product: "SELECT /*!50001 2 */*3;c" => ["SELECT /*!50001 2 */*3", "c"];
        its_end_and_slashes: "DELIMITER //\n/*!50003 a; */// b//" => ["/*!50003 a; */", "b"];
        the_delimiter_comes_before_it: "DELIMITER /\n/*!50003 a; *// b/" => ["*!50003 a; *", "b"];
        a_product_inside: "/*!50001 2*3 */;c" => ["/*!50001 2*3 */", "c"];
        stars_inside: "/*!50001 a **/;c" => ["/*!50001 a **/", "c"];
        cut_by_the_delimiter_ends: "/*!50001 a; b */*/ c; */;d" => ["/*!50001 a", "b */*/ c; */", "d"];
        a_plain_comment_hides_it: "/* a /*! b */ ; c */;" => ["c */"];
        maria_form: "/*M!100100 SET a=';' */;b" => ["/*M!100100 SET a=';' */", "b"];
        maria_form_without_digits: "/*M! a */;b" => ["/*M! a */", "b"];
        maria_form_is_cut_by_the_delimiter: "/*M!100100 a; b */;" => ["/*M!100100 a", "b */"];
        maria_form_in_mysql [my8()]: "/*M!100100 it's; */;b" => ["b"];
        maria_form_in_nine [my9()]: "a /*M! ; */ b;c" => ["a /*M! ; */ b", "c"];
        an_m_and_no_mark: "/*M ; */a;" => ["a"];
        an_m_and_nothing: "a;/*M*/b" => ["a", "b"];
        a_lower_case_m: "/*m! ; */a;" => ["a"];
        empty_ones_are_dropped: "/*!*/;/*!40000*/;/*! */;/*!999998 */;a" => ["a"];
        empty_maria_ones_are_dropped: "/*M!*/;/*M!100100 */;a" => ["a"];
        an_empty_one_before_a_statement: "/*!40000 */ a;" => ["a"];
        an_empty_one_inside_is_kept: "a /*!*/ b;" => ["a /*!*/ b"];
        nearly_empty_ones_are_sent: "/*!  */;/*!1234567*/;a" => ["/*!  */", "/*!1234567*/", "a"];
        a_version_nobody_has: "/*!999999 a;b' */c;" => ["c"];
        a_version_nobody_has_with_a_digit_more: "/*!9999990 ; */c;" => ["c"];
        five_nines_are_a_version: "/*!99999 a */;c" => ["/*!99999 a */", "c"];
        a_version_just_below: "/*!999998 a */;c" => ["/*!999998 a */", "c"];
        a_comment_in_a_version_nobody_has: "/*!999999 a /* b */ c; */d;" => ["d"];
        only_one_level_in_a_version_nobody_has: "/*!999999 /* /* */ */d;" => ["d"];
        two_comments_in_a_version_nobody_has: "/*!999999 /**/ ; /* */ */d;" => ["d"];
        a_version_nobody_has_inside_a_statement: "a /*!999999 ; */ b;c" => ["a /*!999999 ; */ b", "c"];
        sandbox_line: "/*M!999999\\- enable the sandbox mode */ \n-- MariaDB dump\n\n/*!40101 SET a */;" =>
            ["/*!40101 SET a */"];
        sandbox_line_in_mysql [my9()]: "/*M!999999\\- enable the sandbox mode */ \na;" => ["a"];
        first_sandbox_line: "/*!999999\\- enable the sandbox mode */\na;" => ["a"];
        first_sandbox_line_in_mysql [my8()]: "/*!999999\\- enable the sandbox mode */\na;" => ["a"];
        bare_sandbox_command: "\\- a;b" => ["a", "b"];
    }
}

pub(super) mod bytes_of_text {
    use super::*;

    splits_to! {
        mark: "\u{feff}a;b" => ["a", "b"];
        mark_and_nothing: "\u{feff}" => [];
        mark_and_a_command: "\u{feff}DELIMITER //\na;b//" => ["a;b"];
        a_second_mark_is_text: "\u{feff}\u{feff}a;" => ["\u{feff}a"];
        a_later_mark_is_text: "a;\u{feff}b" => ["a", "\u{feff}b"];
        half_a_mark_is_text: b"\xef\xbba;b" => [b"\xef\xbba", b"b"];
        a_byte_of_a_mark_is_text: b"\xfea;b" => [b"\xfea", b"b"];
        null: "SELECT \\N;a" => ["SELECT \\N", "a"];
        null_first: "\\N;a" => ["\\N", "a"];
        null_in_a_row: "VALUES (\\N,\\N);a" => ["VALUES (\\N,\\N)", "a"];
        a_variable: "SET @a := 1, @@b = 2;a" => ["SET @a := 1, @@b = 2", "a"];
        a_dollar_name: "SELECT a$b FROM $c;a" => ["SELECT a$b FROM $c", "a"];
        utf8_names: "CREATE TABLE `é;\u{1f600}` (ü INT);a" => ["CREATE TABLE `é;\u{1f600}` (ü INT)", "a"];
        a_broken_utf8_byte_swallows_nothing: b"'\xe3';a" => [b"'\xe3'".as_slice(), b"a"];
        latin1_names [charset("latin1")]: b"\xe9;'\xe9';a" => [b"\xe9".as_slice(), b"'\xe9'", b"a"];
        sjis_backslash_in_a_string [charset("sjis")]: b"'\x95\x5c';a" => [b"'\x95\x5c'".as_slice(), b"a"];
        sjis_backslash_is_an_escape_in_utf8: b"'\x95\x5c';a';b" => [b"'\x95\x5c';a'".as_slice(), b"b"];
        sjis_backslash_in_text [charset("sjis")]: b"\x95\x5cg;a" => [b"\x95\x5cg".as_slice(), b"a"];
        sjis_backtick [charset("cp932")]: b"`\x83\x60`;a" => [b"`\x83\x60`".as_slice(), b"a"];
        sjis_backtick_in_text [charset("cp932")]: b"\x83\x60;a" => [b"\x83\x60".as_slice(), b"a"];
        sjis_half_width_is_one_byte [charset("sjis")]: b"'\xb1\x5c';';a" => [b"'\xb1\x5c';'".as_slice(), b"a"];
        sjis_broken_character [charset("sjis")]: b"'\x95';a" => [b"'\x95'".as_slice(), b"a"];
        sjis_escaped_first_byte [charset("sjis")]: b"'\\\x95\x5c';';a" => [b"'\\\x95\x5c';'".as_slice(), b"a"];
        sjis_in_double_quotes [charset("sjis")]: b"\"\x95\x5c\";a" => [b"\"\x95\x5c\"".as_slice(), b"a"];
        sjis_in_a_comment [charset("sjis")]: b"/* \x95\x5c */ -- \x95\n a;" => [b"a"];
        sjis_before_a_line_end [charset("sjis")]: b"-- \x95\na;" => [b"a"];
        sjis_at_the_end [charset("sjis")]: b"a;\x95" => [b"a", b"\x95"];
        gbk_backtick [charset("gbk")]: b"`\x81\x60`;a" => [b"`\x81\x60`".as_slice(), b"a"];
        gbk_backslash [charset("gbk")]: b"'\xd5\x5c';a" => [b"'\xd5\x5c'".as_slice(), b"a"];
        gbk_quote_is_no_second_byte [charset("gbk")]: b"'\xbf\x27;a" => [b"'\xbf\x27".as_slice(), b"a"];
        gb18030_two_bytes [charset("gb18030")]: b"'\x81\x5c';a" => [b"'\x81\x5c'".as_slice(), b"a"];
        gb18030_four_bytes [charset("gb18030")]: b"'\x81\x30\x81\x30\\';';a" =>
            [b"'\x81\x30\x81\x30\\';'".as_slice(), b"a"];
        gb18030_broken_four_bytes [charset("gb18030")]: b"'\x81\x30\x81';a" =>
            [b"'\x81\x30\x81'".as_slice(), b"a"];
        gb18030_four_bytes_in_text [charset("gb18030")]: b"DELIMITER 0\n\x81\x30\x81\x30 a0" =>
            [b"\x81\x30\x81\x30 a".as_slice()];
        big5_backslash [charset("big5")]: b"'\xa5\x5c';a" => [b"'\xa5\x5c'".as_slice(), b"a"];
        big5_first_byte_out_of_range [charset("big5")]: b"'\x95\x5c';';a" => [b"'\x95\x5c';'".as_slice(), b"a"];
        euckr_letter [charset("euckr")]: b"DELIMITER go\n\xb0go; a go" => [b"\xb0go; a".as_slice()];
        euckr_letter_in_utf8: b"DELIMITER go\n\xb0go; a go" => [b"\xb0".as_slice(), b"; a"];
        ujis_is_ascii_safe [charset("ujis")]: b"'\xa4\xa2\\';';a" => [b"'\xa4\xa2\\';'".as_slice(), b"a"];
        a_wide_delimiter [charset("sjis")]: b"DELIMITER \x82\xa0\na;\x82\xa0b\x82\xa0" =>
            [b"a;".as_slice(), b"b"];
        charset_as_the_script_sets_it: b"SJIS;'\x95\x5c';UTF8;'\x95\x5c';';a" =>
            [b"SJIS".as_slice(), b"'\x95\x5c'", b"UTF8", b"'\x95\x5c';'", b"a"];
        charset_of_text_as_the_script_sets_it: b"GBK;\xd5\x5c;UTF8;\xd5;a" =>
            [b"GBK".as_slice(), b"\xd5\x5c", b"UTF8", b"\xd5", b"a"];
        a_wide_letter_before_a_dollar [SplitOptions { charset: Charset::Sjis, ..my9() }]:
            b"\x95\x5b$$;a" => [b"\x95\x5b$$".as_slice(), b"a"];
        a_wide_letter_in_a_tag [SplitOptions { charset: Charset::Sjis, ..my9() }]:
            b"$\x95\x5b$;$\x95\x5b$;a" => [b"$\x95\x5b$;$\x95\x5b$".as_slice(), b"a"];
    }
}

pub(super) mod whole_dumps {
    use super::*;

    splits_to! {
        a_table: "-- MySQL dump 10.13\n--\n-- Host: a\n\n/*!40101 SET NAMES utf8mb4 */;\n\n--\n-- Table structure for table `t`\n--\n\nDROP TABLE IF EXISTS `t`;\n/*!40101 SET @saved_cs_client     = @@character_set_client */;\nCREATE TABLE `t` (\n  `a;` int DEFAULT '1' COMMENT 'it''s; \\'x\\''\n) ENGINE=InnoDB;\nLOCK TABLES `t` WRITE;\n/*!40000 ALTER TABLE `t` DISABLE KEYS */;\nINSERT INTO `t` VALUES (1,'a;b','\\\\'),(-2,NULL,_binary '\\0');\n/*!40000 ALTER TABLE `t` ENABLE KEYS */;\nUNLOCK TABLES;\n\n-- Dump completed on 2026-01-01\n" => [
            "/*!40101 SET NAMES utf8mb4 */",
            "DROP TABLE IF EXISTS `t`",
            "/*!40101 SET @saved_cs_client     = @@character_set_client */",
            "CREATE TABLE `t` (\n  `a;` int DEFAULT '1' COMMENT 'it''s; \\'x\\''\n) ENGINE=InnoDB",
            "LOCK TABLES `t` WRITE",
            "/*!40000 ALTER TABLE `t` DISABLE KEYS */",
            "INSERT INTO `t` VALUES (1,'a;b','\\\\'),(-2,NULL,_binary '\\0')",
            "/*!40000 ALTER TABLE `t` ENABLE KEYS */",
            "UNLOCK TABLES",
        ];
        a_trigger: "DELIMITER ;;\n/*!50003 CREATE*/ /*!50017 DEFINER=`a`@`b`*/ /*!50003 TRIGGER t BEFORE INSERT ON x FOR EACH ROW BEGIN\n  -- it's\n  SET NEW.a = 1; /* c; */\nEND */;;\nDELIMITER ;\n/*!50003 SET sql_mode = @saved */ ;\n" => [
            "/*!50003 CREATE*/ /*!50017 DEFINER=`a`@`b`*/ /*!50003 TRIGGER t BEFORE INSERT ON x FOR EACH ROW BEGIN\n  -- it's\n  SET NEW.a = 1; /* c; */\nEND */",
            "/*!50003 SET sql_mode = @saved */",
        ];
        a_procedure_with_a_body_comment: "DELIMITER $$\nCREATE PROCEDURE p()\r\nBEGIN\r\n  # note; it's\r\n  SELECT ';$';\r\nEND$$\r\nDELIMITER ;\r\nCALL p();\r\n" => [
            "CREATE PROCEDURE p()\r\nBEGIN\r\n  # note; it's\r\n  SELECT ';$';\r\nEND",
            "CALL p()",
        ];
        a_javascript_function [my9()]: "CREATE FUNCTION f() RETURNS INT LANGUAGE JAVASCRIPT AS $js$\n  // it's\n  return 1;\n$js$;\nSELECT f();" => [
            "CREATE FUNCTION f() RETURNS INT LANGUAGE JAVASCRIPT AS $js$\n  // it's\n  return 1;\n$js$",
            "SELECT f()",
        ];
        client_words_are_left_to_others: "use a;\nsource x.sql\n;system ls;" => ["use a", "source x.sql", "system ls"];
    }
}

fn undelimited(delimiter: &str, set_at: (u64, u64), from: (u64, u64)) -> LexError {
    LexError::Undelimited {
        delimiter: delimiter.to_owned(),
        set_at: at(set_at.0, set_at.1),
        at: at(from.0, from.1),
    }
}
