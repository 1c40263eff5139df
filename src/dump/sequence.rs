//! A sequence as script text, with the value that it gives next.

use super::printed::show_create;
use super::script::Script;
use crate::error::Result;
use crate::ident::{ObjectName, quote_identifier};
use crate::server::Session;

/// Writes a sequence and the value that it will give next.
pub(super) async fn write_sequence(
    session: &mut Session,
    script: &mut Script,
    object: &ObjectName,
) -> Result<()> {
    let name = quote_identifier(object.name());
    let create = session.query_one(&show_create(object)).await?;
    let state = session
        .query_one(&format!(
            "SELECT next_not_cached_value, cycle_count, \
             IF(increment >= 0, IF(next_not_cached_value < start_value, minimum_value, NULL), \
             IF(next_not_cached_value > start_value, maximum_value, NULL)) FROM {name}"
        ))
        .await?;
    script.comment(format_args!("{object}"));
    script.statement(format!("DROP SEQUENCE IF EXISTS {name}"));
    script.statement(create.bytes(1)?.unwrap_or_default());
    if let Some(first) = state.optional_text(2)? {
        // SETVAL does not go back, and says nothing.
        script.statement(format!("ALTER SEQUENCE {name} RESTART WITH {first}"));
    }
    // The last two say that the value has not been given out, and how often it began again.
    script.statement(format!("DO SETVAL({name}, {}, 0, {})", state.text(0)?, state.text(1)?));
    Ok(())
}
