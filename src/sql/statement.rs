//! Whether a text begins like a statement.

/// The first words of a statement, comments and the frame of a versioned comment left out.
#[derive(Clone, Debug)]
struct Words<'a> {
    rest: &'a [u8],
}

impl<'a> Words<'a> {
    const fn of(statement: &'a [u8]) -> Self {
        Self { rest: statement }
    }

    /// Skips white space, plain comments, and the opening of a versioned comment, whose contents
    /// are code to the server.
    fn skip_blank(&mut self) {
        loop {
            let rest = self.rest.trim_ascii_start();
            self.rest = if let Some(code) =
                rest.strip_prefix(b"/*!").or_else(|| rest.strip_prefix(b"/*M!"))
            {
                let digits = code.iter().take_while(|byte| byte.is_ascii_digit()).count();
                code.get(digits..).unwrap_or_default()
            } else if let Some(comment) = rest.strip_prefix(b"/*") {
                match memchr::memmem::find(comment, b"*/") {
                    Some(end) => comment.get(end + 2..).unwrap_or_default(),
                    None => &[],
                }
            } else if rest.starts_with(b"#") || rest.starts_with(b"--") {
                match memchr::memchr(b'\n', rest) {
                    Some(end) => rest.get(end + 1..).unwrap_or_default(),
                    None => &[],
                }
            } else if let Some(after) = rest.strip_prefix(b"*/") {
                after
            } else {
                self.rest = rest;
                return;
            };
        }
    }

    /// The next word in upper case, if the next thing is a word.
    fn next_word(&mut self) -> Option<String> {
        self.skip_blank();
        let length = self
            .rest
            .iter()
            .take_while(|byte| byte.is_ascii_alphanumeric() || **byte == b'_')
            .count();
        let (word, rest) = self.rest.split_at_checked(length)?;
        self.rest = rest;
        (!word.is_empty()).then(|| String::from_utf8_lossy(word).to_ascii_uppercase())
    }
}

/// Words that a statement can begin with. A script whose first statement begins with none of them
/// is no script.
const VERBS: &[&str] = &[
    "ALTER",
    "ANALYZE",
    "BACKUP",
    "BEGIN",
    "BINLOG",
    "CALL",
    "CHANGE",
    "CACHE",
    "CHECK",
    "CHECKSUM",
    "CLONE",
    "COMMIT",
    "CREATE",
    "DEALLOCATE",
    "DELETE",
    "DESC",
    "DESCRIBE",
    "DO",
    "DROP",
    "EXECUTE",
    "EXPLAIN",
    "FLUSH",
    "GRANT",
    "HANDLER",
    "IMPORT",
    "INSERT",
    "INSTALL",
    "KILL",
    "LOAD",
    "LOCK",
    "OPTIMIZE",
    "PREPARE",
    "PURGE",
    "RELEASE",
    "RENAME",
    "REPAIR",
    "REPLACE",
    "RESET",
    "RESTART",
    "REVOKE",
    "ROLLBACK",
    "SAVEPOINT",
    "SELECT",
    "SET",
    "SHOW",
    "SHUTDOWN",
    "SIGNAL",
    "START",
    "STOP",
    "TABLE",
    "TRUNCATE",
    "UNINSTALL",
    "UNLOCK",
    "UPDATE",
    "USE",
    "VALUES",
    "WITH",
    "XA",
];

/// Whether a statement begins like one.
pub(crate) fn begins_like_sql(statement: &[u8]) -> bool {
    match Words::of(statement).next_word() {
        Some(word) => VERBS.contains(&word.as_str()),
        // A query in parentheses, or a versioned comment that holds nothing.
        None => {
            statement.starts_with(b"(")
                || statement.starts_with(b"/*!")
                || statement.starts_with(b"/*M!")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_script_is_seen_at_once() {
        assert!(begins_like_sql(b"/*!40101 SET NAMES utf8 */"));
        assert!(begins_like_sql(b"(select 1)"));
        assert!(begins_like_sql(b"insert into t values (1)"));
        assert!(!begins_like_sql(b"Dear diary"));
        assert!(!begins_like_sql(b"{\"a\":1}"));
        assert!(!begins_like_sql(b"\x89PNG"));
    }
}
