//! The default encryption of a database where the server does not let an account set it.

use crate::error::{Error, Result};
use crate::server::{ER_CANNOT_SET_DATABASE_ENCRYPTION, Session};
use crate::sql::encryption::set_by;

/// What a database keeps where a statement about its encryption was refused.
pub(super) enum Kept {
    /// What the statement would have set.
    Wanted,
    /// Encryption, although the script has none.
    Encryption,
}

/// Whether a refused statement can be left out: the server refuses it to an account without
/// `TABLE_ENCRYPTION_ADMIN` also where it would change nothing, and a database whose encryption was
/// asked for by those who run the server keeps it. What the script encrypts is never left in the clear.
pub(super) async fn kept(
    session: &mut Session,
    statement: &[u8],
    error: &Error,
) -> Result<Option<Kept>> {
    let refused =
        error.server().is_some_and(|told| told.number == ER_CANNOT_SET_DATABASE_ENCRYPTION);
    let Some(wanted) = set_by(statement).filter(|_| refused) else { return Ok(None) };
    let sql = "SELECT DEFAULT_ENCRYPTION FROM information_schema.SCHEMATA \
               WHERE SCHEMA_NAME = DATABASE()";
    let rows = session.query(sql).await?;
    let Some(row) = rows.first() else { return Ok(None) };
    Ok(match (row.text(0)? == "YES", wanted) {
        (has, wanted) if has == wanted => Some(Kept::Wanted),
        (true, false) => Some(Kept::Encryption),
        _ => None,
    })
}
