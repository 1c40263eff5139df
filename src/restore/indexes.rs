//! Secondary indexes and foreign keys that are built after the rows, not with every row.
//!
//! They are taken off the table while it is still empty, which costs nothing, and put back when it
//! is full: the server then sorts once for each. What is put back is what the server itself
//! printed, and the table has to read as before afterwards.
//!
//! Foreign keys come last, one table after the other, when every table has its indexes: making one
//! locks the table that it names as well, so that two at a time could wait for each other. As in a
//! replay in order they are not checked, because the script switches that off.

use crate::error::{Error, ErrorKind, Result};
use crate::ident::{ObjectName, quote_identifier};
use crate::server::Session;

/// What a table is missing while its rows are being inserted.
#[derive(Debug)]
pub(super) struct PutOff {
    table: ObjectName,
    parts: Parts,
    /// The columns and keys of the whole table.
    body: Vec<String>,
}

/// The parts of a definition that can wait, as `SHOW CREATE TABLE` prints them.
#[derive(Debug, Default, PartialEq, Eq)]
struct Parts {
    /// ``KEY `name` (…)``, ``UNIQUE KEY `name` (…)``.
    keys: Vec<String>,
    /// ``FULLTEXT KEY `name` (…)``: the server builds one at a time without copying the table.
    fulltext_keys: Vec<String>,
    /// ``CONSTRAINT `name` FOREIGN KEY (…) REFERENCES …``.
    foreign_keys: Vec<String>,
}

impl PutOff {
    /// Takes the secondary indexes and foreign keys off an empty table of the session's database.
    /// `None` if there are none, or the server does not let them go: then they stay.
    pub(super) async fn take(session: &mut Session, table: &ObjectName) -> Result<Option<Self>> {
        let body = lines(&definition(session, table).await?);
        let all = Parts::of(&body);
        let mut plain = Parts::of(&body);
        plain.keys.retain(|key| key.starts_with("KEY "));
        plain.fulltext_keys.clear();
        plain.foreign_keys.clear();
        if !all.are_indexes() || !are_foreign_keys_unchecked(session).await? {
            return Ok(None);
        }
        let mut attempts = vec![all];
        if plain.are_indexes() && attempts.first() != Some(&plain) {
            attempts.push(plain);
        }
        for parts in attempts {
            let Some(drops) = parts.drops() else { continue };
            let sql = format!("ALTER TABLE {} {drops}", quote_identifier(table.name()));
            // The server itself is to refuse where a foreign key, also one of another table, rests
            // on an index.
            session.execute("SET foreign_key_checks = 1").await?;
            let done = session.execute(sql).await;
            match done {
                Ok(()) => {
                    session.execute("SET foreign_key_checks = 0").await?;
                    tracing::debug!(%table, drops, "its indexes wait for its rows");
                    return Ok(Some(Self { table: table.clone(), parts, body }));
                }
                Err(error) if error.kind() == ErrorKind::Server => {
                    session.execute("SET foreign_key_checks = 0").await?;
                    tracing::debug!(%table, error = %error.chain(), "its indexes stay");
                }
                Err(error) => return Err(error),
            }
        }
        Ok(None)
    }

    /// Builds the indexes.
    pub(super) async fn put_back(&self, session: &mut Session) -> Result<()> {
        self.add(session, &self.parts.keys).await?;
        for key in &self.parts.fulltext_keys {
            self.add(session, std::slice::from_ref(key)).await?;
        }
        Ok(())
    }

    /// Makes the foreign keys, and sees that the table reads as before; after
    /// [`put_back`](Self::put_back), for no more than one table at a time.
    pub(super) async fn finish(&self, session: &mut Session) -> Result<()> {
        self.add(session, &self.parts.foreign_keys).await?;
        let now = definition(session, &self.table).await.map_err(|error| self.at(error))?;
        if lines(&now) == self.body {
            Ok(())
        } else {
            Err(self.at(Error::new(
                ErrorKind::Mismatch,
                "the table is not as it was after its indexes were built",
            )))
        }
    }

    async fn add(&self, session: &mut Session, parts: &[String]) -> Result<()> {
        if parts.is_empty() {
            return Ok(());
        }
        let adds: Vec<_> = parts.iter().map(|part| format!("ADD {part}")).collect();
        let name = quote_identifier(self.table.name());
        let sql = format!("ALTER TABLE {name} {}", adds.join(", "));
        session.execute(sql).await.map_err(|error| self.at(error))
    }

    fn at(&self, error: Error) -> Error {
        error.at(|place| place.object = Some(self.table.clone()))
    }
}

impl Parts {
    fn of(body: &[String]) -> Self {
        let mut parts = Self::default();
        let is_key = |line: &str| {
            !line.starts_with('`') && line.split(' ').take(2).any(|word| word == "KEY")
        };
        // An option that MariaDB does not know is a comment here, and would be lost.
        if body.iter().any(|line| is_key(line) && line.contains("/* `")) {
            return parts;
        }
        // Without a primary key a unique one can be what the rows are stored by.
        let unique = body.iter().any(|line| line.starts_with("PRIMARY KEY "));
        for line in body {
            if line.starts_with("KEY ") {
                parts.keys.push(line.clone());
            } else if line.starts_with("UNIQUE KEY ") {
                // One over hashes, or over periods, is more than an index.
                if !unique || line.contains("WITHOUT OVERLAPS") {
                    // What is put back comes behind it.
                    parts.keys.clear();
                } else if !line.contains("USING HASH") {
                    parts.keys.push(line.clone());
                }
            } else if line.starts_with("SPATIAL KEY ") {
                parts.keys.clear();
            } else if line.starts_with("FULLTEXT KEY ") {
                parts.fulltext_keys.push(line.clone());
            } else if line.starts_with("CONSTRAINT `")
                && name_of(line).is_some_and(|(_, rest)| rest.starts_with(" FOREIGN KEY "))
            {
                parts.foreign_keys.push(line.clone());
            }
        }
        parts
    }

    const fn are_indexes(&self) -> bool {
        !(self.keys.is_empty() && self.fulltext_keys.is_empty())
    }

    /// What takes them off a table, foreign keys first: they rest on the indexes.
    fn drops(&self) -> Option<String> {
        let drop = |what: &'static str| {
            move |part: &String| name_of(part).map(|(name, _)| format!("DROP {what} {name}"))
        };
        let foreign_keys = self.foreign_keys.iter().map(drop("FOREIGN KEY"));
        let keys = self.keys.iter().chain(&self.fulltext_keys).map(drop("KEY"));
        let drops: Option<Vec<_>> = foreign_keys.chain(keys).collect();
        drops.map(|drops| drops.join(", "))
    }
}

/// Whether the session inserts rows without looking at foreign keys, as every dump asks for.
async fn are_foreign_keys_unchecked(session: &mut Session) -> Result<bool> {
    Ok(session.query_one("SELECT @@foreign_key_checks").await?.text(0)? == "0")
}

/// A table's definition as the server prints it.
pub(super) async fn definition(session: &mut Session, table: &ObjectName) -> Result<String> {
    let sql = format!("SHOW CREATE TABLE {}", quote_identifier(table.name()));
    let row = session.query_one(&sql).await?;
    Ok(String::from_utf8_lossy(row.bytes(1)?.unwrap_or_default()).into_owned())
}

/// The lines of a definition between its parentheses, without their commas.
pub(super) fn lines(create: &str) -> Vec<String> {
    let inside = create.lines().skip(1).take_while(|line| line.starts_with("  "));
    inside.map(|line| line.trim().trim_end_matches(',').to_owned()).collect()
}

/// The first quoted name, as in ``UNIQUE KEY `name` (…)``, and what follows it.
pub(super) fn name_of(part: &str) -> Option<(String, &str)> {
    let (_, quoted) = part.split_once('`')?;
    let mut end = 0;
    let mut bytes = quoted.bytes().enumerate().peekable();
    while let Some((at, byte)) = bytes.next() {
        if byte == b'`' && bytes.next_if(|(_, next)| *next == b'`').is_none() {
            end = at;
            break;
        }
    }
    let name = quoted.get(..end).filter(|name| !name.is_empty())?;
    Some((format!("`{name}`"), quoted.get(end + 1..)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_and_names_are_those_of_the_server() {
        let create = "CREATE TABLE `t` (\n  `a` int,\n  `b` text COMMENT ') KEY',\n  PRIMARY KEY \
                      (`a`),\n  UNIQUE KEY `u` (`a`),\n  UNIQUE KEY `h` (`b`) USING HASH,\n  KEY \
                      `x``,y` (`b`(3)) COMMENT 'a, b',\n  FULLTEXT KEY `f` (`b`),\n  CONSTRAINT `p` \
                      FOREIGN KEY (`a`) REFERENCES `q` (`id`),\n  CONSTRAINT ` FOREIGN KEY ` CHECK \
                      (`a` > 0)\n) ENGINE=InnoDB\n/*!50100 PARTITION BY HASH (a)\n  PARTITIONS 3 */";
        let lines = lines(create);
        assert_eq!(lines.len(), 9);
        let parts = Parts::of(&lines);
        assert_eq!(
            parts.drops().unwrap(),
            "DROP FOREIGN KEY `p`, DROP KEY `u`, DROP KEY `x``,y`, DROP KEY `f`"
        );
        assert_eq!(parts.keys, ["UNIQUE KEY `u` (`a`)", "KEY `x``,y` (`b`(3)) COMMENT 'a, b'"]);
        assert_eq!(name_of("KEY `open"), None);
    }

    #[test]
    fn keys_in_front_of_one_that_stays_stay() {
        let keys = |lines: &[&str]| {
            let body: Vec<_> = lines.iter().map(|&line| line.to_owned()).collect();
            let parts = Parts::of(&body);
            [parts.keys, parts.fulltext_keys].concat()
        };
        let (primary, full) = ("PRIMARY KEY (`a`)", "FULLTEXT KEY `f` (`b`)");
        let spatial = "SPATIAL KEY `s` (`b`)";
        assert_eq!(
            keys(&[primary, "KEY `k` (`b`)", spatial, "KEY `l` (`b`)", full]),
            ["KEY `l` (`b`)", full]
        );
        let overlaps = "UNIQUE KEY `o` (`b`,`p` WITHOUT OVERLAPS)";
        let unique = ["UNIQUE KEY `u` (`b`)", "UNIQUE KEY `v` (`b`)"];
        assert_eq!(keys(&[primary, unique[0], overlaps, unique[1]]), [unique[1]]);
        let unknown = "KEY `x` (`b`) /* `OPTION`='y' */";
        assert_eq!(keys(&[primary, unknown, "KEY `k` (`b`)", full]), [""; 0]);
        let column = "`KEY k` text /* `OPTION`='y' */";
        assert_eq!(keys(&[column, primary, full]), [full]);
    }

    #[test]
    fn a_unique_key_stays_where_there_is_no_primary_key() {
        let create = "CREATE TABLE `t` (\n  `a` int,\n  UNIQUE KEY `u` (`a`),\n  KEY `k` (`a`)\n)";
        assert_eq!(Parts::of(&lines(create)).keys, ["KEY `k` (`a`)"]);
    }
}
