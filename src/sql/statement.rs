//! What kind of statement a text is, told by its first words.

/// The first words of a statement, comments and the frame of a versioned comment left out.
#[derive(Clone, Debug)]
pub(crate) struct Words<'a> {
    rest: &'a [u8],
}

impl<'a> Words<'a> {
    pub(crate) const fn of(statement: &'a [u8]) -> Self {
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
    pub(crate) fn next_word(&mut self) -> Option<String> {
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

    /// The next name, in backticks or bare, as it is spelled.
    pub(crate) fn next_name(&mut self) -> Option<String> {
        self.skip_blank();
        let mut name = Vec::new();
        if let Some(mut quoted) = self.rest.strip_prefix(b"`") {
            loop {
                let end = memchr::memchr(b'`', quoted)?;
                name.extend_from_slice(quoted.get(..end)?);
                quoted = quoted.get(end + 1..)?;
                match quoted.strip_prefix(b"`") {
                    Some(rest) => {
                        name.push(b'`');
                        quoted = rest;
                    }
                    None => break,
                }
            }
            self.rest = quoted;
        } else {
            let bare = |byte: &u8| {
                byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'$') || !byte.is_ascii()
            };
            let length = self.rest.iter().take_while(|byte| bare(byte)).count();
            let (bare, rest) = self.rest.split_at_checked(length)?;
            name.extend_from_slice(bare);
            self.rest = rest;
        }
        (!name.is_empty()).then(|| String::from_utf8_lossy(&name).into_owned())
    }
}

/// What a statement does to databases as a whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum DatabaseStatement {
    Use(String),
    Create(String),
    Drop(String),
}

impl DatabaseStatement {
    /// The database that it names.
    pub(crate) fn name(&self) -> &str {
        match self {
            Self::Use(name) | Self::Create(name) | Self::Drop(name) => name,
        }
    }

    /// Recognises `USE`, `CREATE DATABASE` and `DROP DATABASE` in all their spellings.
    pub(crate) fn of(statement: &[u8]) -> Option<Self> {
        let mut words = Words::of(statement);
        let verb = words.next_word()?;
        if verb == "USE" {
            return Some(Self::Use(words.next_name()?));
        }
        if !matches!(verb.as_str(), "CREATE" | "DROP") {
            return None;
        }
        let mut word = words.next_word()?;
        if word == "OR" {
            words.next_word()?;
            word = words.next_word()?;
        }
        if !matches!(word.as_str(), "DATABASE" | "SCHEMA") {
            return None;
        }
        let mut ahead = words.clone();
        if ahead.next_word().as_deref() == Some("IF") {
            loop {
                let mut after = ahead.clone();
                match after.next_word().as_deref() {
                    Some("NOT" | "EXISTS") => ahead = after,
                    _ => break,
                }
            }
            words = ahead;
        }
        let name = words.next_name()?;
        Some(if verb == "DROP" { Self::Drop(name) } else { Self::Create(name) })
    }
}

/// Whether a statement sets session variables, and which of those that decide how the statements
/// after it are read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct SetStatement {
    /// It can change `sql_mode`.
    pub(crate) sql_mode: bool,
    /// It can change `character_set_client`.
    pub(crate) charset: bool,
}

impl SetStatement {
    /// Looks at a statement that begins with `SET`; any other changes nothing.
    pub(crate) fn of(statement: &[u8]) -> Self {
        if Words::of(statement).next_word().as_deref() != Some("SET") {
            return Self::default();
        }
        let text = statement.to_ascii_lowercase();
        let says = |word: &[u8]| memchr::memmem::find(&text, word).is_some();
        Self {
            sql_mode: says(b"sql_mode"),
            charset: says(b"character") || says(b"charset") || says(b"names"),
        }
    }
}

/// The client character set that a `SET` statement names, as far as its text tells: `SET NAMES x`,
/// `SET CHARACTER SET x`, `SET character_set_client = x`. Of a variable it tells nothing.
pub(crate) fn client_charset(statement: &[u8]) -> Option<String> {
    let text = statement.to_ascii_lowercase();
    [&b"names"[..], b"character set", b"charset", b"character_set_client"].into_iter().find_map(
        |word| {
            let at = memchr::memmem::find(&text, word)?.checked_add(word.len())?;
            let rest = text.get(at..)?.trim_ascii_start();
            let rest = rest.strip_prefix(b":").unwrap_or(rest);
            let rest = rest.strip_prefix(b"=").unwrap_or(rest).trim_ascii_start();
            let rest = rest.strip_prefix(b"'").or(rest.strip_prefix(b"\"")).unwrap_or(rest);
            Words::of(rest).next_name()
        },
    )
}

/// Words that a statement can begin with. A script whose first statement begins with none of them
/// is no script.
const VERBS: &[&str] = &[
    "ALTER",
    "ANALYZE",
    "BEGIN",
    "CALL",
    "CHANGE",
    "CHECK",
    "COMMIT",
    "CREATE",
    "DEALLOCATE",
    "DELETE",
    "DO",
    "DROP",
    "EXECUTE",
    "FLUSH",
    "GRANT",
    "HANDLER",
    "INSERT",
    "INSTALL",
    "KILL",
    "LOAD",
    "LOCK",
    "OPTIMIZE",
    "PREPARE",
    "PURGE",
    "RENAME",
    "REPAIR",
    "REPLACE",
    "RESET",
    "REVOKE",
    "ROLLBACK",
    "SAVEPOINT",
    "SELECT",
    "SET",
    "SHOW",
    "START",
    "STOP",
    "TRUNCATE",
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

    fn database(statement: &str) -> Option<DatabaseStatement> {
        DatabaseStatement::of(statement.as_bytes())
    }

    #[test]
    fn statements_about_databases_are_seen_in_all_spellings() {
        use DatabaseStatement::{Create, Drop, Use};
        for (statement, expected) in [
            ("USE `a``b`", Some(Use("a`b".into()))),
            ("use\tshop", Some(Use("shop".into()))),
            (
                "CREATE DATABASE /*!32312 IF NOT EXISTS*/ `s` /*!40100 DEFAULT */",
                Some(Create("s".into())),
            ),
            ("create or replace schema s", Some(Create("s".into()))),
            ("/*!40000 DROP DATABASE IF EXISTS `s`*/", Some(Drop("s".into()))),
            ("DROP SCHEMA s", Some(Drop("s".into()))),
            ("DROP TABLE `database`", None),
            ("CREATE TABLE x (a int)", None),
            ("SELECT 'USE x'", None),
            ("USE", None),
        ] {
            assert_eq!(database(statement), expected, "{statement}");
        }
    }

    #[test]
    fn set_statements_say_what_they_can_change() {
        let set = |statement: &str| SetStatement::of(statement.as_bytes());
        let (sql_mode, charset) = (true, true);
        let none = SetStatement::default();
        assert_eq!(set("/*!50003 SET sql_mode = '' */"), SetStatement { sql_mode, ..none });
        assert_eq!(set("set names cp932"), SetStatement { charset, ..none });
        assert_eq!(set("SELECT 'SET NAMES sql_mode'"), none);
    }

    #[test]
    fn the_client_character_set_is_read_where_it_is_named() {
        for (statement, charset) in [
            ("SET NAMES cp932", Some("cp932")),
            ("/*!40101 SET NAMES 'gbk' */", Some("gbk")),
            ("set character_set_client = sjis, sql_mode = ''", Some("sjis")),
            ("SET CHARACTER SET big5", Some("big5")),
            ("/*!40101 SET character_set_client = @saved_cs_client */", None),
        ] {
            assert_eq!(client_charset(statement.as_bytes()).as_deref(), charset, "{statement}");
        }
    }

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
