//! Names of database objects: what kinds there are, and how a name is quoted.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A kind of database object, by the MySQL manual's word for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ObjectKind {
    /// A database (schema).
    Database,
    /// A base table, partitioned or not, of any engine.
    Table,
    /// A `MariaDB` sequence.
    Sequence,
    /// A view.
    View,
    /// A trigger.
    Trigger,
    /// A stored function.
    Function,
    /// A stored procedure.
    Procedure,
    /// A `MariaDB` package specification (Oracle mode).
    Package,
    /// A `MariaDB` package body (Oracle mode).
    PackageBody,
    /// A `MySQL` library of the JavaScript component.
    Library,
    /// An event of the event scheduler.
    Event,
}

impl ObjectKind {
    /// Every kind, in the order in which a dump holds them.
    pub const ALL: [Self; 11] = [
        Self::Database,
        Self::Sequence,
        Self::Table,
        Self::Library,
        Self::Package,
        Self::PackageBody,
        Self::Function,
        Self::Procedure,
        Self::View,
        Self::Trigger,
        Self::Event,
    ];

    /// The lower-case word for one object of this kind, as messages use it.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Database => "database",
            Self::Table => "table",
            Self::Sequence => "sequence",
            Self::View => "view",
            Self::Trigger => "trigger",
            Self::Function => "function",
            Self::Procedure => "procedure",
            Self::Package => "package",
            Self::PackageBody => "package body",
            Self::Library => "library",
            Self::Event => "event",
        }
    }

    /// The keywords that follow `SHOW CREATE` and `DROP` for this kind.
    #[must_use]
    pub const fn sql(self) -> &'static str {
        match self {
            Self::Database => "DATABASE",
            Self::Table => "TABLE",
            Self::Sequence => "SEQUENCE",
            Self::View => "VIEW",
            Self::Trigger => "TRIGGER",
            Self::Function => "FUNCTION",
            Self::Procedure => "PROCEDURE",
            Self::Package => "PACKAGE",
            Self::PackageBody => "PACKAGE BODY",
            Self::Library => "LIBRARY",
            Self::Event => "EVENT",
        }
    }
}

/// Reads the word of a kind, as [`ObjectKind::word`] gives it; `_` and `-` count as blanks.
///
/// # Errors
/// [`UnknownKind`] for any other word.
impl FromStr for ObjectKind {
    type Err = UnknownKind;

    fn from_str(text: &str) -> Result<Self, UnknownKind> {
        let word = text.replace(['_', '-'], " ");
        Self::ALL
            .into_iter()
            .find(|kind| kind.word() == word)
            .ok_or_else(|| UnknownKind { word: text.to_owned() })
    }
}

/// A word that is not a kind of object.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("'{word}' is not a kind of object; the kinds are {}", ObjectKind::ALL.map(ObjectKind::word).join(", "))]
pub struct UnknownKind {
    word: String,
}

impl fmt::Display for ObjectKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

/// One object: its kind, the database that holds it, and its name as the server stores it.
///
/// `Display` prints it for people: ``table `shop`.`orders` ``. Line breaks inside names are
/// printed as `\n` and `\r`, so that the text stays on one line wherever it stands.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ObjectName {
    kind: ObjectKind,
    database: Option<String>,
    name: String,
}

impl ObjectName {
    /// An object inside a database.
    pub fn new(kind: ObjectKind, database: impl Into<String>, name: impl Into<String>) -> Self {
        Self { kind, database: Some(database.into()), name: name.into() }
    }

    /// A database itself.
    pub fn database(name: impl Into<String>) -> Self {
        Self { kind: ObjectKind::Database, database: None, name: name.into() }
    }

    /// What kind of object it is.
    #[must_use]
    pub const fn kind(&self) -> ObjectKind {
        self.kind
    }

    /// The database that holds it; `None` for a database itself.
    #[must_use]
    pub fn database_name(&self) -> Option<&str> {
        self.database.as_deref()
    }

    /// The name, unquoted.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }
}

impl fmt::Display for ObjectName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ", self.kind)?;
        if let Some(database) = &self.database {
            write!(f, "{}.", one_line(&quote_identifier(database)))?;
        }
        f.write_str(&one_line(&quote_identifier(&self.name)))
    }
}

/// Quotes an identifier with backticks, doubling those inside it.
///
/// The rule is the manual's (Schema Object Names): inside a quoted identifier only the quote
/// itself needs care, under every SQL mode.
#[must_use]
pub fn quote_identifier(name: &str) -> String {
    let mut quoted = String::with_capacity(name.len() + 2);
    quoted.push('`');
    for c in name.chars() {
        if c == '`' {
            quoted.push('`');
        }
        quoted.push(c);
    }
    quoted.push('`');
    quoted
}

/// Makes text safe for a one-line comment or message: every line break and control character
/// becomes an escape, so nothing after it can become a line of its own (CVE-2016-5483).
pub(crate) fn one_line(text: &str) -> String {
    let mut line = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\n' => line.push_str("\\n"),
            '\r' => line.push_str("\\r"),
            '\t' => line.push_str("\\t"),
            // U+0085, U+2028 and U+2029 are line breaks to some readers.
            c if c.is_control() || matches!(c, '\u{2028}' | '\u{2029}') => {
                line.extend(c.escape_unicode());
            }
            c => line.push(c),
        }
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    /// S3.
    #[test]
    fn identifiers_double_their_backticks() {
        assert_eq!(quote_identifier("a`b"), "`a``b`");
        assert_eq!(quote_identifier(""), "``");
        assert_eq!(quote_identifier("sp ace.\"'"), "`sp ace.\"'`");
    }

    /// S4.
    #[test]
    fn an_object_name_stays_on_one_line() {
        let name = ObjectName::new(ObjectKind::Table, "a", "b\n-- c\u{2028}\u{7f}");
        assert_eq!(name.to_string(), "table `a`.`b\\n-- c\\u{2028}\\u{7f}`");
    }
}
