//! A sequence as script text, with the value that it gives next.

use super::printed::show_create;
use super::script::Script;
use crate::error::Result;
use crate::ident::{ObjectName, quote_identifier};
use crate::server::Session;

/// How many sequences a warning names.
const NAMED: usize = 10;

/// Writes a sequence and the value that it will give next. Returns whether the server may hold values
/// before that one in its cache, which nobody can read without taking one.
pub(super) async fn write_sequence(
    session: &mut Session,
    script: &mut Script,
    object: &ObjectName,
) -> Result<bool> {
    let name = quote_identifier(object.name());
    let create = session.query_one(&show_create(object)).await?;
    let state = session
        .query_one(&format!(
            "SELECT next_not_cached_value, cycle_count, \
             IF(increment >= 0, IF(next_not_cached_value < start_value, minimum_value, NULL), \
             IF(next_not_cached_value > start_value, maximum_value, NULL)), \
             cache_size > 1 AND (next_not_cached_value <> start_value OR cycle_count > 0) \
             FROM {name}"
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
    Ok(state.text(3)? == "1")
}

/// What is to be said of the sequences of a database that may have values in the server's cache.
pub(super) fn warning(cached: &[ObjectName]) -> Option<String> {
    let first = cached.first()?;
    let database = quote_identifier(first.database_name().unwrap_or_default());
    let listed = cached.iter().take(NAMED).map(|object| quote_identifier(object.name()));
    let names = listed.collect::<Vec<_>>().join(", ");
    let more = match cached.len().saturating_sub(NAMED) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    Some(format!(
        "the server may hold values of sequences of {database} in its cache, which are skipped in a \
         restore as after a restart: {names}{more}"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ident::ObjectKind;

    #[test]
    fn many_sequences_take_one_sentence() {
        let of_number =
            |number| ObjectName::new(ObjectKind::Sequence, "d", format!("s{number:02}"));
        let cached: Vec<_> = (0..12).map(of_number).collect();
        assert_eq!(warning(&[]), None);
        assert!(warning(&cached[..2]).unwrap().ends_with(": `s00`, `s01`"));
        assert!(warning(&cached).unwrap().ends_with(", `s09` and 2 more"));
    }
}
