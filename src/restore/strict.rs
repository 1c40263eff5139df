//! Tables that `InnoDB` makes without its strict mode only, as when they were made.

use super::replayed::Replayed;
use crate::error::{Error, ErrorKind, Location, Result};
use crate::server::{
    ER_CANT_CREATE_TABLE, ER_ILLEGAL_HA, ER_ILLEGAL_HA_CREATE_OPTION, ER_TOO_BIG_ROWSIZE, Session,
};
use crate::sql::token::{Reading, Tokens};

/// Sends the definition of a table again, without `innodb_strict_mode`, if the server refused it for its
/// options or the size of its rows. Rows that could be too long, but are not, were let in without that
/// mode, and it is off in many older servers. Only few accounts may set it (`MySQL`).
///
/// # Errors
/// The one that was given, if that is not it or does not help.
pub(super) async fn make_again(
    session: &mut Session,
    sql: &[u8],
    reading: &Reading,
    error: Error,
    place: &Location,
    replayed: &mut Replayed,
) -> Result<()> {
    if !is_refused_table(sql, reading, &error) {
        return Err(error);
    }
    if session.query_one("SELECT @@SESSION.innodb_strict_mode").await?.text(0)? != "1" {
        return Err(error);
    }
    match session.execute("SET SESSION innodb_strict_mode = OFF").await {
        Err(lacks) if lacks.kind() == ErrorKind::Privilege => return Err(error),
        set => set?,
    }
    let made = session.execute(sql).await;
    session.execute("SET SESSION innodb_strict_mode = ON").await?;
    match made {
        Err(again) if again.server().is_some() => Err(error),
        Ok(()) => {
            let told = error.server().map_or("", |told| told.message.as_str());
            replayed.note(format!(
                "the server makes a table without innodb_strict_mode only ({place}): {told}"
            ));
            Ok(())
        }
        Err(lost) => Err(lost),
    }
}

fn is_refused_table(sql: &[u8], reading: &Reading, error: &Error) -> bool {
    const NUMBERS: [u16; 4] =
        [ER_CANT_CREATE_TABLE, ER_ILLEGAL_HA, ER_ILLEGAL_HA_CREATE_OPTION, ER_TOO_BIG_ROWSIZE];
    let mut tokens = Tokens::new(sql, reading);
    error.server().is_some_and(|told| NUMBERS.contains(&told.number))
        && tokens.take_word("CREATE")
        && tokens.take_word("TABLE")
}
