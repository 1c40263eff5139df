//! Statements whose failures are rows of an answer, and no errors.

use super::replayed::Replayed;
use crate::error::{Location, Result};
use crate::ident::one_line;
use crate::server::Session;
use crate::sql::policy::Examined;
use crate::sql::token::{Reading, Token, Tokens};

/// Sends a statement; what it tells of errors in rows is noted.
pub(super) async fn send(
    session: &mut Session,
    sql: &[u8],
    (reading, examined): (&Reading, &Examined),
    place: &Location,
    replayed: &mut Replayed,
) -> Result<()> {
    if !examined.is_plain() || !tells_in_rows(sql, reading) {
        return session.execute(sql).await;
    }
    let errors = session.execute_told(sql).await?.join("; ");
    if !errors.is_empty() {
        let error = one_line(&errors);
        replayed.note(format!("the server did not do what a statement says ({place}): {error}"));
    }
    Ok(())
}

fn tells_in_rows(sql: &[u8], reading: &Reading) -> bool {
    let mut tokens = Tokens::new(sql, reading);
    let verb = |token: &Token<'_>| token.is_any(&["ANALYZE", "CHECK", "OPTIMIZE", "REPAIR"]);
    if tokens.take_if(verb).is_none() {
        return false;
    }
    tokens.take_if(|token| token.is_any(&["LOCAL", "NO_WRITE_TO_BINLOG"]));
    tokens.next().is_some_and(|token| token.is_any(&["TABLE", "TABLES"]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::restore::replay::reading;
    use crate::server::Flavor;

    #[test]
    fn statements_that_tell_in_rows_are_known() {
        let reading = reading(Flavor::MySql, (9, 7, 4));
        for (text, expected) in [
            ("/*!80031 ANALYZE TABLE `t` UPDATE HISTOGRAM ON `c` USING DATA '{}' */", true),
            ("ANALYZE NO_WRITE_TO_BINLOG TABLE t", true),
            ("repair local tables a, b", true),
            ("ANALYZE UPDATE t SET a = 1", false),
            ("/*!999999 ANALYZE TABLE t */", false),
            ("CHECKSUM TABLE t", false),
            ("INSERT INTO t VALUES ('ANALYZE TABLE t')", false),
        ] {
            assert_eq!(tells_in_rows(text.as_bytes(), &reading), expected, "{text}");
        }
    }
}
