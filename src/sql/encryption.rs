//! The default encryption of a database (`MySQL`).

/// Makes the tables encrypted that are created without another word. A server that knows no such
/// thing refuses it. Without `DEFAULT` the next word would be the name of a database.
const ENCRYPTED: &str = "ALTER DATABASE DEFAULT ENCRYPTION = 'Y'";

/// The same for tables in the clear; a comment to a server that makes no others.
const CLEAR: &str = "/*!80016 ALTER DATABASE DEFAULT ENCRYPTION = 'N' */";

/// Sets the default encryption of the current database. A statement of its own: a server refuses it
/// to many accounts, even where it changes nothing.
pub(crate) const fn statement(encrypted: bool) -> &'static str {
    if encrypted { ENCRYPTED } else { CLEAR }
}

/// Which encryption a statement sets, if it is one of the two above.
pub(crate) fn set_by(statement: &[u8]) -> Option<bool> {
    [true, false].into_iter().find(|&encrypted| self::statement(encrypted).as_bytes() == statement)
}

/// What `SHOW CREATE DATABASE` prints, without the encryption in it.
pub(crate) fn left_out_of(create: &[u8]) -> Vec<u8> {
    for value in ['Y', 'N'] {
        let clause = format!(" /*!80016 DEFAULT ENCRYPTION='{value}' */");
        // The name of the database stands in front of it, and may be anything.
        if let Some(at) = memchr::memmem::rfind(create, clause.as_bytes()) {
            let (before, rest) = create.split_at(at);
            if rest.len() == clause.len() || rest.get(clause.len()..).is_some_and(is_read_only) {
                return [before, rest.get(clause.len()..).unwrap_or_default()].concat();
            }
        }
    }
    create.to_vec()
}

/// What else can stand behind it, as a comment to all servers.
fn is_read_only(text: &[u8]) -> bool {
    text.starts_with(b" /* READ ONLY")
}

#[cfg(test)]
mod tests {
    use super::{left_out_of, set_by, statement};

    #[test]
    fn the_clause_of_the_server_is_left_out_and_no_other_text() {
        for (create, left) in [
            (
                "CREATE DATABASE `d` /*!40100 x */ /*!80016 DEFAULT ENCRYPTION='N' */",
                "CREATE DATABASE `d` /*!40100 x */",
            ),
            (
                "CREATE DATABASE `d` /*!80016 DEFAULT ENCRYPTION='Y' */ /* READ ONLY=1 */",
                "CREATE DATABASE `d` /* READ ONLY=1 */",
            ),
            (
                "CREATE DATABASE `a /*!80016 DEFAULT ENCRYPTION='Y' */` /*!80016 DEFAULT ENCRYPTION='N' */",
                "CREATE DATABASE `a /*!80016 DEFAULT ENCRYPTION='Y' */`",
            ),
            (
                "CREATE DATABASE `a /*!80016 DEFAULT ENCRYPTION='Y' */`",
                "CREATE DATABASE `a /*!80016 DEFAULT ENCRYPTION='Y' */`",
            ),
        ] {
            assert_eq!(String::from_utf8(left_out_of(create.as_bytes())).unwrap(), left);
        }
    }

    #[test]
    fn the_two_statements_are_told_from_others() {
        assert_eq!(set_by(statement(true).as_bytes()), Some(true));
        assert_eq!(set_by(statement(false).as_bytes()), Some(false));
        assert_eq!(set_by(b"ALTER DATABASE d ENCRYPTION = 'N'"), None);
    }
}
