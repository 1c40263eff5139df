//! Whether a text that the server printed reads as one statement in a script.
//!
//! The server quotes what it prints, but not everywhere: where it forgets to, a name that somebody
//! chose could bring statements of its own into the script, to be run with the rights of whoever
//! restores it.

use super::split::{Dialect, SplitOptions, Splitter, Step};

/// What is said of an object whose definition is not one statement.
pub(crate) const NOT_ONE_STATEMENT: &str = "what the server prints of it does not read as one \
    statement: something in it is not quoted that would have to be";

/// Whether `text` with a delimiter behind it is one statement, and all of it.
pub(crate) fn is_one_statement(dialect: Dialect, text: &[u8]) -> bool {
    let mut splitter = Splitter::new(SplitOptions::new(dialect));
    let script = [text, b";\n"].concat();
    matches!(
        splitter.step(&script, true),
        Ok(Step::Statement(statement))
            if statement.text == (0..text.trim_ascii_end().len())
                && statement.consumed > text.len()
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_one(text: &str) -> bool {
        is_one_statement(Dialect::MySql { dollar_quotes: true }, text.as_bytes())
    }

    #[test]
    fn statements_in_quotes_and_comments_are_none() {
        assert!(is_one("CREATE TABLE `a;b` (\n  `c` int DEFAULT ';' COMMENT 'x;\\'; DROP'\n)"));
        assert!(is_one("CREATE TABLE t (a int)\n/*!50100 PARTITION BY KEY (`;`) */"));
    }

    #[test]
    fn a_statement_more_or_a_text_without_an_end_is_noticed() {
        for text in [
            "CREATE TABLE t (a int) SECONDARY_ENGINE=x; GRANT ALL ON *.* TO y -- ",
            "CREATE TABLE t (a int) SECONDARY_ENGINE=x -- ",
            "CREATE TABLE t (a int) SECONDARY_ENGINE=x'y",
            "CREATE TABLE t (a int) SECONDARY_ENGINE=x /*",
            "CREATE USER u REQUIRE SUBJECT '/x'; DROP DATABASE d; -- ' ISSUER ''",
            "",
        ] {
            assert!(!is_one(text), "{text}");
        }
    }
}
