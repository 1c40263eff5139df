//! Where the splitter reads a script in another way than a stock client, on purpose.

use super::Client;

/// One thing that clients do in their own way, and the cases that show it.
pub(super) struct Difference {
    /// What the clients do.
    pub(super) they: &'static str,
    /// Why it is done in another way here.
    pub(super) we: &'static str,
    pub(super) cases: &'static [(&'static [Client], &'static [&'static str])],
}

const EVERY: &[Client] = &Client::ALL;
const MYSQL: &[Client] = &[Client::MySql];
const MARIADB: &[Client] = &[Client::MariaDb, Client::Stripping];
const KEEPING: &[Client] = &[Client::MySql, Client::MariaDb];
const MARIADB_KEEPING: &[Client] = &[Client::MariaDb];
const STRIPPING: &[Client] = &[Client::Stripping];

pub(super) const DIFFERENCES: &[Difference] = &[
    Difference {
        they: "CR LF becomes LF, inside strings too.",
        we: "Every byte of a statement is kept: a string may mean its CR.",
        cases: &[(
            EVERY,
            &[
                "delimiters::crlf_is_kept_inside",
                "quotes::crlf_is_kept",
                "whole_dumps::a_procedure_with_a_body_comment",
            ],
        )],
    },
    Difference {
        they: "A backslash at a line end is dropped.",
        we: "In a string it is dropped by the server anyway; elsewhere it is a mistake, and an error.",
        cases: &[(
            EVERY,
            &[
                "quotes::escaped_line_feed_is_kept",
                "commands::a_backslash_before_a_line_feed",
                "commands::a_backslash_at_the_end",
            ],
        )],
    },
    Difference {
        they: "The line feed behind a line that begins with the letters `delimiter` is dropped.",
        we: "`delimiter` may be the name of a column, which is then glued to what follows.",
        cases: &[(EVERY, &["delimiters::as_a_column_it_is_text"])],
    },
    Difference {
        they: "DELIMITER is a command only at the start of a line, and is missed even there after some comments, and before a vertical tab or form feed.",
        we: "What is missed gets into a statement, with the next line glued to it, or swallows it.",
        cases: &[
            (
                MARIADB,
                &[
                    "delimiters::after_a_block_comment",
                    "delimiters::after_a_form_feed",
                    "delimiters::after_a_vertical_tab",
                ],
            ),
            (
                KEEPING,
                &[
                    "delimiters::after_a_doc_comment",
                    "delimiters::after_a_path_in_a_comment",
                    "delimiters::after_an_indented_line_comment",
                ],
            ),
            (
                EVERY,
                &[
                    "delimiters::after_a_statement_on_the_line",
                    "delimiters::after_a_statement_with_its_delimiter",
                    "delimiters::set_to_d",
                ],
            ),
        ],
    },
    Difference {
        they: "Every word that begins with `delimiter` is the command.",
        we: "The word must be followed by white space; the server refuses what is neither.",
        cases: &[
            (MYSQL, &["delimiters::a_longer_word_is_no_command"]),
            (EVERY, &["delimiters::a_word_and_a_semicolon_is_no_command"]),
        ],
    },
    Difference {
        they: "The argument of DELIMITER ends at a space but not at a tab, is cut after 15 bytes, loses its leading white space and its backslashes, and may lack its closing quote. Without one there is a message, the script goes on with the delimiter that it had, and the exit status is 0.",
        we: "A delimiter that is not what the author meant cuts everything behind it wrongly: it ends at any white space, and all else is an error.",
        cases: &[(
            EVERY,
            &[
                "delimiters::argument_ends_at_a_tab",
                "delimiters::quotes_allow_leading_white_space",
                "delimiter_commands::a_backslash",
                "delimiter_commands::a_backslash_in_quotes",
                "delimiter_commands::a_backslash_inside",
                "delimiter_commands::a_line_of_many_bytes",
                "delimiter_commands::an_open_quote",
                "delimiter_commands::an_open_quote_at_the_end",
                "delimiter_commands::another_quote",
                "delimiter_commands::blanks_at_the_end",
                "delimiter_commands::blanks_only",
                "delimiter_commands::empty_quotes",
                "delimiter_commands::no_argument",
                "delimiter_commands::nothing_at_the_end",
                "delimiter_commands::sixteen_bytes",
                "delimiter_commands::sixteen_bytes_in_quotes",
            ],
        )],
    },
    Difference {
        they: "A delimiter whose first character has several bytes is never found.",
        we: "It is compared byte by byte.",
        cases: &[(EVERY, &["delimiters::set_to_non_ascii", "bytes_of_text::a_wide_delimiter"])],
    },
    Difference {
        they: "A comment behind the delimiter, on its line, joins the statement that ended there.",
        we: "It belongs to no statement.",
        cases: &[(
            KEEPING,
            &[
                "comments::after_a_statement_it_belongs_to_the_next",
                "limits::comments_between_do_not_count",
            ],
        )],
    },
    Difference {
        they: "Comments are dropped from inside of statements, and optimizer hints with them.",
        we: "The comments of routines, triggers, events and views are stored with them, and a hint is meant.",
        cases: &[(
            STRIPPING,
            &[
                "comments::a_close_without_open_and_a_star",
                "comments::a_hint_alone_is_sent",
                "comments::a_hint_in_mysql",
                "comments::dashes_at_the_end_of_a_statement",
                "comments::hint_is_kept",
                "comments::hint_over_lines",
                "comments::inner_block_is_kept",
                "comments::inner_hash_is_kept",
                "comments::inner_line_is_kept",
                "comments::leading_hint_is_kept",
                "comments::three_dashes_and_a_space",
                "comments::trailing_line_at_the_end_is_kept",
                "comments::trailing_line_is_kept",
                "delimiters::right_after_a_comment",
                "delimiters::set_to_a_comment_end",
                "delimiters::set_to_an_empty_version_comment",
                "version_comments::a_comment_inside",
                "version_comments::a_line_comment_inside",
                "version_comments::cut_by_the_delimiter_ends",
                "whole_dumps::a_trigger",
            ],
        )],
    },
    Difference {
        they: "`--` in front of a statement is a comment only before white space.",
        we: "The client sends `--a` as the beginning of a statement, which the server refuses. `mariadb` and older clients take it for a comment.",
        cases: &[(
            MYSQL,
            &["comments::dashes_and_a_letter_between_statements", "comments::three_dashes"],
        )],
    },
    Difference {
        they: "`--a` is kept with the statement behind it, although it is taken for a comment.",
        we: "It belongs to no statement, and the server would refuse it.",
        cases: &[(
            MARIADB_KEEPING,
            &["comments::dashes_and_a_letter_between_statements", "comments::three_dashes"],
        )],
    },
    Difference {
        they: "`--` before a control character is code behind a delimiter or an open statement.",
        we: "For the server it is a comment.",
        cases: &[(
            MARIADB_KEEPING,
            &["comments::dashes_and_control", "comments::dashes_and_delete"],
        )],
    },
    Difference {
        they: "A comment inside `/*! */` on one line confuses where both end, and a `/*!` inside a comment hides the end of the comment.",
        we: "The server ends a comment at the first `*/`; quotes behind it are quotes.",
        cases: &[(
            EVERY,
            &[
                "version_comments::a_string_after_a_comment_inside",
                "version_comments::a_plain_comment_hides_it",
            ],
        )],
    },
    Difference {
        they: "The slash of a `*/` that ends `/*! */` opens a comment with a star behind it, or a delimiter of slashes.",
        we: "The server takes `*/` as a whole.",
        cases: &[(
            EVERY,
            &["version_comments::its_end_and_a_product", "version_comments::its_end_and_slashes"],
        )],
    },
    Difference {
        they: "A hint is a comment on its first line only.",
        we: "For the server it is one to its end.",
        cases: &[(MYSQL, &["comments::hint_over_lines"])],
    },
    Difference {
        they: "A comment for version 999999 is code, and cut at delimiters. An empty one is sent.",
        we: "No server runs it; the largest dumps have it in their first line only.",
        cases: &[
            (
                EVERY,
                &[
                    "version_comments::a_comment_in_a_version_nobody_has",
                    "version_comments::a_version_nobody_has",
                    "version_comments::a_version_nobody_has_inside_a_statement",
                    "version_comments::a_version_nobody_has_with_a_digit_more",
                    "version_comments::only_one_level_in_a_version_nobody_has",
                    "version_comments::two_comments_in_a_version_nobody_has",
                    "version_comments::empty_ones_are_dropped",
                    "version_comments::an_empty_one_before_a_statement",
                ],
            ),
            (MARIADB, &["version_comments::empty_maria_ones_are_dropped"]),
        ],
    },
    Difference {
        they: "`\\-`, which switches `mariadb` to sandbox mode, is taken out of the comment around it and out of statements; `mysql` stops at it.",
        we: "There is no client to switch. In the comment of a dump's first line it changes nothing; inside a statement it is an error.",
        cases: &[
            (MYSQL, &["version_comments::bare_sandbox_command"]),
            (
                EVERY,
                &[
                    "version_comments::first_sandbox_line",
                    "version_comments::first_sandbox_line_in_mysql",
                ],
            ),
            (
                MARIADB,
                &[
                    "version_comments::sandbox_line",
                    "version_comments::sandbox_line_in_mysql",
                    "commands::sandbox_in_a_real_version",
                    "commands::sandbox_inside_a_statement",
                ],
            ),
        ],
    },
    Difference {
        they: "`\\g` and `\\G` are unknown.",
        we: "Other clients end a statement with them, and nothing else can be meant.",
        cases: &[(
            MYSQL,
            &[
                "delimiters::ego",
                "delimiters::go",
                "delimiters::go_alone",
                "delimiters::go_and_delimiter",
                "delimiters::go_under_another_delimiter",
            ],
        )],
    },
    Difference {
        they: "`\\C`, `\\u`, `\\q` and `\\n` are run.",
        we: "No commands to a client are run; the script says something that a restore cannot do.",
        cases: &[
            (EVERY, &["commands::charset_command"]),
            (
                MARIADB,
                &["commands::lower_case_n_is_a_pager", "commands::quit", "commands::use_command"],
            ),
        ],
    },
    Difference {
        they: "`source` and `system` are commands (and refused here, in sandbox mode).",
        we: "They reach the server as statements, which refuses them.",
        cases: &[(MARIADB, &["whole_dumps::client_words_are_left_to_others"])],
    },
    Difference {
        they: "`USE name` needs a delimiter.",
        we: "On a line of its own it can mean nothing else, and `mariadb` and older clients take it.",
        cases: &[(
            MYSQL,
            &[
                "use_lines::a_delimiter_in_the_name",
                "use_lines::a_delimiter_that_begins_like_it",
                "use_lines::after_a_comment",
                "use_lines::after_a_statement",
                "use_lines::backticks",
                "use_lines::bare",
                "use_lines::blanks",
                "use_lines::crlf",
                "use_lines::doubled_backticks",
                "use_lines::high_bytes",
                "use_lines::longest",
                "use_lines::under_another_delimiter",
            ],
        )],
    },
    Difference {
        they: "Every line that begins with USE is a command, whatever else stands on it, unless a statement stands before it on the line; a tab behind the name becomes part of it.",
        we: "USE and one name on a line are a statement; everything else is read as the server reads it.",
        cases: &[(
            MARIADB,
            &[
                "use_lines::a_backtick_too_many",
                "use_lines::a_comment_behind_it",
                "use_lines::after_a_statement",
                "use_lines::blanks",
                "use_lines::no_name",
                "use_lines::no_name_but_blanks",
                "use_lines::too_long",
                "use_lines::two_names",
                "use_lines::wide_letters_need_a_delimiter",
            ],
        )],
    },
    Difference {
        they: "A script with a zero byte is refused with the whole line in which it stands.",
        we: "In a string it is data. Elsewhere it is an error, behind the statements that are whole.",
        cases: &[
            (
                EVERY,
                &[
                    "quotes::a_zero_byte_in_a_string",
                    "quotes::a_zero_byte_in_backticks",
                    "quotes::a_zero_byte_in_double_quotes",
                    "quotes::an_escaped_zero_byte",
                    "quotes::binary_bytes",
                    "bad_bytes::a_zero_byte_between",
                ],
            ),
            (MYSQL, &["dollars::a_zero_byte_inside"]),
        ],
    },
    Difference {
        they: "In double quotes a backslash escapes under ANSI_QUOTES too.",
        we: "It does not for the server.",
        cases: &[(
            MYSQL,
            &["quotes::an_ansi_identifier_has_no_escapes", "quotes::ansi_as_the_script_sets_it"],
        )],
    },
    Difference {
        they: "In dollar quotes a backslash takes the next byte with it; behind a comment a space gets between the dollars; a letter of a delimiter in front of them counts as part of their name.",
        we: "The server knows none of this.",
        cases: &[(
            MYSQL,
            &[
                "dollars::a_backslash_inside",
                "dollars::after_a_comment",
                "dollars::after_a_delimiter_of_letters",
            ],
        )],
    },
    Difference {
        they: "The character set is the one that the client was started with, whatever the script sets.",
        we: "The server reads on in the one that the script sets.",
        cases: &[(
            EVERY,
            &[
                "bytes_of_text::charset_as_the_script_sets_it",
                "bytes_of_text::charset_of_text_as_the_script_sets_it",
            ],
        )],
    },
    Difference {
        they: "`gb18030` is unknown.",
        we: "Scripts in it come from `MySQL`; a `MariaDB` server refuses the SET NAMES.",
        cases: &[(
            MARIADB,
            &[
                "bytes_of_text::gb18030_broken_four_bytes",
                "bytes_of_text::gb18030_four_bytes",
                "bytes_of_text::gb18030_four_bytes_in_text",
                "bytes_of_text::gb18030_two_bytes",
            ],
        )],
    },
    Difference {
        they: "What is open at the end is sent, and the exit status is 0 if the server takes it.",
        we: "A script that ends in a string, a quoted name or a comment is cut off.",
        cases: &[
            (
                EVERY,
                &[
                    "at_the_end::open_after_a_doubled_quote",
                    "at_the_end::open_after_a_long_comment",
                    "at_the_end::open_after_an_escape",
                    "at_the_end::open_after_an_escaped_quote",
                    "at_the_end::open_backticks",
                    "at_the_end::open_comment",
                    "at_the_end::open_comment_in_a_statement",
                    "at_the_end::open_comment_that_looks_closed",
                    "at_the_end::open_comment_with_a_star",
                    "at_the_end::open_comment_with_an_m",
                    "at_the_end::open_double_quotes",
                    "at_the_end::open_empty_comment",
                    "at_the_end::open_executable_comment",
                    "at_the_end::open_hint",
                    "at_the_end::open_hint_mark",
                    "at_the_end::open_in_a_wide_character",
                    "at_the_end::open_in_half_a_character",
                    "at_the_end::open_maria_comment",
                    "at_the_end::open_string",
                    "at_the_end::open_under_another_delimiter",
                    "at_the_end::open_version_nobody_has",
                    "at_the_end::open_version_nobody_has_inside",
                    "at_the_end::a_level_too_many",
                    "limits::open_string_within",
                ],
            ),
            (MYSQL, &["at_the_end::open_dollar_quote", "at_the_end::open_dollars"]),
            (
                MARIADB,
                &[
                    "dollars::quotes_inside",
                    "whole_dumps::a_javascript_function",
                    "version_comments::maria_form_in_mysql",
                ],
            ),
        ],
    },
    Difference {
        they: "What lacks its delimiter at the end is sent, whatever the delimiter is.",
        we: "Behind a DELIMITER command it is a body that is cut off.",
        cases: &[(
            EVERY,
            &[
                "at_the_end::a_body_and_the_default_delimiter",
                "at_the_end::a_body_swallows_the_next_command",
                "at_the_end::a_body_without_its_delimiter",
                "at_the_end::the_last_delimiter_command_counts",
                "delimiters::partial_delimiter_at_the_end_is_text",
                "limits::no_tag_does_not_count_before_it_is_read",
            ],
        )],
    },
    Difference {
        they: "A script of nothing but the mark of UTF-16 is sent.",
        we: "It is refused by its mark, before a server sees it.",
        cases: &[(EVERY, &["bad_bytes::utf16_mark_alone"])],
    },
    Difference {
        they: "Statements have no limit below the protocol's.",
        we: "The limit is there to bound memory.",
        cases: &[(
            EVERY,
            &[
                "limits::at_the_end_one_too_many",
                "limits::comments_inside_count",
                "limits::one_too_many",
                "limits::open_string_beyond",
                "limits::white_space_counts_before_the_delimiter",
            ],
        )],
    },
];
