//! Secondary indexes that are built after the rows, not with every row.
//!
//! They are taken off the table while it is still empty, which costs nothing, and put back in one
//! statement, in which the server sorts once. What is put back is what the server itself printed,
//! and the table has to read as before afterwards.

use crate::error::{Error, ErrorKind, Result};
use crate::ident::{ObjectName, quote_identifier};
use crate::server::Session;

/// The indexes that a table is missing while its rows are being inserted.
#[derive(Debug)]
pub(super) struct PutOff {
    table: ObjectName,
    /// As `SHOW CREATE TABLE` prints them: ``KEY `name` (…)``.
    keys: Vec<String>,
    /// The columns and keys of the whole table.
    body: Vec<String>,
}

impl PutOff {
    /// Takes the plain secondary indexes off an empty table of the session's database. `None` if
    /// there are none, or the server does not let them go: then they stay.
    pub(super) async fn take(session: &mut Session, table: &ObjectName) -> Result<Option<Self>> {
        let body = body(session, table).await?;
        // A foreign key needs an index, and not always one that it says.
        if body.iter().any(|line| line.starts_with("CONSTRAINT ")) {
            return Ok(None);
        }
        let keys: Vec<_> = body.iter().filter(|line| line.starts_with("KEY ")).cloned().collect();
        let names: Option<Vec<_>> = keys.iter().map(|key| name_of(key)).collect();
        let Some(names) = names.filter(|names| !names.is_empty()) else { return Ok(None) };
        let drops: Vec<_> = names.iter().map(|name| format!("DROP KEY {name}")).collect();
        let sql = format!("ALTER TABLE {} {}", quote_identifier(table.name()), drops.join(", "));
        match session.execute(sql).await {
            Ok(()) => Ok(Some(Self { table: table.clone(), keys, body })),
            Err(error) if error.kind() == ErrorKind::Server => {
                tracing::debug!(%table, error = %error.chain(), "its indexes stay");
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }

    /// Builds the indexes, and sees that the table reads as before.
    pub(super) async fn put_back(&self, session: &mut Session) -> Result<()> {
        let at = |error: Error| error.at(|place| place.object = Some(self.table.clone()));
        let adds: Vec<_> = self.keys.iter().map(|key| format!("ADD {key}")).collect();
        let name = quote_identifier(self.table.name());
        let sql = format!("ALTER TABLE {name} {}", adds.join(", "));
        session.execute(sql).await.map_err(at)?;
        if body(session, &self.table).await.map_err(at)? == self.body {
            Ok(())
        } else {
            Err(at(Error::new(
                ErrorKind::Mismatch,
                "the table is not as it was after its indexes were built",
            )))
        }
    }
}

/// The lines of a table's definition between its parentheses, without their commas.
async fn body(session: &mut Session, table: &ObjectName) -> Result<Vec<String>> {
    let sql = format!("SHOW CREATE TABLE {}", quote_identifier(table.name()));
    let row = session.query_one(&sql).await?;
    let text = String::from_utf8_lossy(row.bytes(1)?.unwrap_or_default()).into_owned();
    Ok(lines(&text))
}

fn lines(create: &str) -> Vec<String> {
    let inside = create.lines().skip(1).take_while(|line| line.starts_with("  "));
    inside.map(|line| line.trim().trim_end_matches(',').to_owned()).collect()
}

/// The quoted name in ``KEY `name` (…)``.
fn name_of(key: &str) -> Option<String> {
    let quoted = key.strip_prefix("KEY `")?;
    let mut end = 0;
    let mut bytes = quoted.bytes().enumerate().peekable();
    while let Some((at, byte)) = bytes.next() {
        if byte == b'`' && bytes.next_if(|(_, next)| *next == b'`').is_none() {
            end = at;
            break;
        }
    }
    let name = quoted.get(..end).filter(|name| !name.is_empty())?;
    Some(format!("`{name}`"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_and_names_are_those_of_the_server() {
        let create = "CREATE TABLE `t` (\n  `a` int,\n  `b` text COMMENT ') KEY',\n  PRIMARY KEY \
                      (`a`),\n  UNIQUE KEY `u` (`a`),\n  KEY `x``,y` (`b`(3)) COMMENT 'a, b',\n  \
                      FULLTEXT KEY `f` (`b`)\n) ENGINE=InnoDB\n/*!50100 PARTITION BY HASH (a)\n  \
                      PARTITIONS 3 */";
        let lines = lines(create);
        assert_eq!(lines.len(), 6);
        let keys: Vec<_> = lines.iter().filter_map(|line| name_of(line)).collect();
        assert_eq!(keys, ["`x``,y`"]);
        assert_eq!(name_of("KEY `open"), None);
    }
}
