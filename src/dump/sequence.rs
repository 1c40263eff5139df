//! A sequence as script text, with the value that it gives next.
//!
//! `MariaDB` keeps a part of a sequence's values in memory: the table behind it only says where the
//! next part begins (`next_not_cached_value`), and no statement shows how much of this one has been
//! given out. But `SETVAL` does: with a value below the next one it changes nothing and gives `NULL`,
//! with just the next one it changes nothing and gives that. So values are tried in ascending order,
//! from the first of the part, up to the first that is accepted. (Sequences that go down: the other
//! way round.)

use tokio::sync::Mutex;

use super::guard::Guard;
use super::printed::show_create;
use super::script::Script;
use crate::error::{Error, ErrorKind, Result};
use crate::ident::{ObjectName, quote_identifier};
use crate::server::{
    ER_LOCK_DEADLOCK, ER_LOCK_WAIT_TIMEOUT, Session, TextRow, is_missing_or_changed,
};
use crate::sql::literal::push_string;

/// How many sequences a warning names.
const NAMED: usize = 10;

/// How many values of one sequence are tried: some 25 µs each, on the server.
const VALUES_TRIED: i128 = 100_000;

/// How often the next value is looked for while others take values or wait to alter the sequence.
const ATTEMPTS: u32 = 5;

/// A sequence whose next value was not found, and why.
#[derive(Clone, Debug)]
pub(super) struct Unread {
    object: ObjectName,
    reason: String,
}

/// What the table behind a sequence says, in the order of the query.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct State {
    next_not_cached: i128,
    minimum: i128,
    maximum: i128,
    start: i128,
    increment: i128,
    cache_size: i128,
    cycle_count: i128,
}

impl State {
    fn query(name: &str) -> String {
        format!(
            "SELECT next_not_cached_value, minimum_value, maximum_value, start_value, increment, \
             cache_size, cycle_count FROM {name}"
        )
    }

    fn of(row: &TextRow) -> Result<Self> {
        let number = |column| {
            row.text(column)?.parse().map_err(|_| {
                let text = format!("the state of a sequence has no number in column {column}");
                Error::new(ErrorKind::Protocol, text)
            })
        };
        Ok(Self {
            next_not_cached: number(0)?,
            minimum: number(1)?,
            maximum: number(2)?,
            start: number(3)?,
            increment: number(4)?,
            cache_size: number(5)?,
            cycle_count: number(6)?,
        })
    }

    /// Whether values can be in the server's memory: there is a cache, and one was taken.
    const fn may_be_cached(&self) -> bool {
        // Restarted below its start, a part can end just there.
        let begin = self.begin_of_full_part();
        let fits = begin >= self.minimum && begin <= self.maximum;
        self.cache_size > 1 && (self.next_not_cached != self.start || self.cycle_count > 0 || fits)
    }

    /// The value that the part in memory begins with, unless it is cut off by the end of the
    /// sequence: then it begins behind this.
    const fn begin_of_full_part(&self) -> i128 {
        self.next_not_cached - self.cache_size * self.increment
    }

    /// A value that a part begins with which has `next` in it and ends where the one in memory does.
    const fn begin_of_part(&self, next: i128) -> i128 {
        let is_cut_off = if self.increment > 0 {
            self.next_not_cached > self.maximum
        } else {
            self.next_not_cached < self.minimum
        };
        if is_cut_off { next - self.increment } else { self.begin_of_full_part() }
    }

    /// The value to begin again with, where `SETVAL` does not go back to `value`, and says nothing.
    fn restart(&self, value: i128) -> Option<i128> {
        if self.increment >= 0 {
            (value < self.start).then_some(self.minimum)
        } else {
            (value > self.start).then_some(self.maximum)
        }
    }
}

/// What is known of the value that a sequence gives next.
#[derive(Debug)]
enum Next {
    /// It is `next_not_cached_value`.
    NotCached,
    /// It is in the server's memory.
    Cached(i128),
    /// It may be in the server's memory; why that cannot be told.
    Unread(String),
}

/// Writes a sequence and the value that it will give next. Says if that is not known.
pub(super) async fn write_sequence(
    session: &mut Session,
    guard: &Mutex<Guard>,
    script: &mut Script,
    object: &ObjectName,
    waited: &mut Option<String>,
) -> Result<Option<Unread>> {
    let name = quote_identifier(object.name());
    let create = session.query_one(&show_create(object)).await?;
    let mut state = State::of(&session.query_one(&State::query(&name)).await?)?;
    // Somebody who waits for them, to alter the sequence, would let nobody else to it.
    session.release_metadata_locks().await?;
    let mut next = Next::NotCached;
    if let Some(reason) = waited.clone().filter(|_| state.may_be_cached()) {
        next = Next::Unread(reason);
    } else if state.may_be_cached() {
        let mut guard = guard.lock().await;
        let session = guard.session_in(object.database_name().unwrap_or_default()).await?;
        next = find_next(session, &name, &mut state, waited).await?;
    }
    script.comment(format_args!("{object}"));
    script.statement(format!("DROP SEQUENCE IF EXISTS {name}"));
    script.statement(create.bytes(1)?.unwrap_or_default());
    write_state(script, &name, &state, &next);
    Ok(match next {
        Next::Unread(reason) => Some(Unread { object: object.clone(), reason }),
        Next::NotCached | Next::Cached(_) => None,
    })
}

/// Writes the statements that give a new sequence its state.
fn write_state(script: &mut Script, name: &str, state: &State, next: &Next) {
    let first = match next {
        Next::Cached(next) => state.begin_of_part(*next),
        Next::NotCached | Next::Unread(_) => state.next_not_cached,
    };
    if let Some(value) = state.restart(first) {
        script.statement(format!("ALTER SEQUENCE {name} RESTART WITH {value}"));
    }
    // The last two say that the value has not been given out, and how often it began again.
    let set = |value| format!("DO SETVAL({name}, {value}, 0, {})", state.cycle_count);
    script.statement(set(first));
    if let Next::Cached(next) = next {
        script.statement(format!("DO NEXTVAL({name})"));
        script.statement(set(*next));
    }
}

/// Finds the next value, and brings `state` up to its time. `waited` is what the server says where
/// somebody's lock kept the dump waiting for its whole patience: once is enough.
async fn find_next(
    session: &mut Session,
    name: &str,
    state: &mut State,
    waited: &mut Option<String>,
) -> Result<Next> {
    if state.increment == 0 {
        return Ok(Next::Unread("its steps are those of auto_increment_increment".to_owned()));
    }
    let mut reason = "others took values all the time".to_owned();
    for _ in 0..ATTEMPTS {
        let found = try_values(session, name, state).await;
        session.execute("ROLLBACK").await?;
        match found {
            Ok(Some(next)) => return Ok(next),
            Ok(None) => {}
            Err(error) => {
                let timed_out =
                    error.server().is_some_and(|told| told.number == ER_LOCK_WAIT_TIMEOUT);
                match refusal(error)? {
                    (true, message) => reason = message,
                    (false, message) => {
                        *waited = timed_out.then(|| message.clone());
                        return Ok(Next::Unread(message));
                    }
                }
            }
        }
    }
    Ok(Next::Unread(reason))
}

/// Tries the values that the server can hold in memory. `None` where others took the last of them
/// meanwhile.
async fn try_values(session: &mut Session, name: &str, state: &mut State) -> Result<Option<Next>> {
    // So that nobody alters the sequence from here on: then a value could be accepted that is not the
    // next one.
    session.execute("START TRANSACTION READ WRITE").await?;
    *state = State::of(&session.query_one(&State::query(name)).await?)?;
    let lowest = state.begin_of_full_part();
    if (state.next_not_cached - lowest).abs() > VALUES_TRIED {
        let reason = format!("more than {VALUES_TRIED} values may be the next one");
        return Ok(Some(Next::Unread(reason)));
    }
    session.execute("SET @snapdump_next = NULL").await?;
    session.execute(trial(name, state, lowest)).await?;
    let next = session.query_one("SELECT @snapdump_next").await?.optional_text(0)?;
    if let Some(next) = next {
        let next = next.parse().map_err(|_| {
            Error::new(ErrorKind::Protocol, "the next value of a sequence is not a number")
        })?;
        return Ok(Some(Next::Cached(next)));
    }
    // All of them have been given out; the next one is not there yet, if no other part is.
    let after = State::of(&session.query_one(&State::query(name)).await?)?;
    Ok((after == *state).then_some(Next::NotCached))
}

/// A statement that tries values from `lowest` to the last before `next_not_cached_value`. All of
/// them, and not only each that the steps lead to: `SETVAL` may have left those.
fn trial(name: &str, state: &State, lowest: i128) -> Vec<u8> {
    let (step, end) = (state.increment.signum(), state.next_not_cached);
    let mut sql = format!(
        "BEGIN NOT ATOMIC DECLARE tried DECIMAL(38) DEFAULT {lowest}; \
         WHILE tried <> {end} AND @snapdump_next IS NULL DO EXECUTE IMMEDIATE CONCAT("
    )
    .into_bytes();
    push_string(&mut sql, format!("SELECT SETVAL({name}, ").as_bytes());
    let round = state.cycle_count;
    sql.extend_from_slice(
        format!(
            ", tried, ', 0, {round}) INTO @snapdump_next'); SET tried = tried + {step}; \
             END WHILE; END"
        )
        .as_bytes(),
    );
    sql
}

/// What the server says if it does not let this account, or nobody, set the value of a sequence, and
/// whether another attempt may succeed. Any other error is given back.
fn refusal(error: Error) -> Result<(bool, String)> {
    match error.server() {
        Some(server)
            if matches!(error.kind(), ErrorKind::Privilege | ErrorKind::Server)
                && !is_missing_or_changed(server.number) =>
        {
            let again = server.number == ER_LOCK_DEADLOCK;
            Ok((again, server.message.clone()))
        }
        _ => Err(error),
    }
}

/// What is to be said of the sequences of a database whose next values are not known.
pub(super) fn warning(unread: &[Unread]) -> Option<String> {
    let first = unread.first()?;
    let database = quote_identifier(first.object.database_name().unwrap_or_default());
    let listed = unread.iter().take(NAMED).map(|unread| quote_identifier(unread.object.name()));
    let names = listed.collect::<Vec<_>>().join(", ");
    let more = match unread.len().saturating_sub(NAMED) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    Some(format!(
        "the server may hold values of sequences of {database} in its cache, which are skipped in a \
         restore as after a restart: {names}{more}; SETVAL, with the INSERT privilege, would tell \
         the next ones, but not here: {}",
        first.reason
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ident::ObjectKind;

    const UP: State = State {
        next_not_cached: 31,
        minimum: 1,
        maximum: 1000,
        start: 10,
        increment: 3,
        cache_size: 10,
        cycle_count: 0,
    };
    const DOWN: State = State {
        next_not_cached: -31,
        minimum: -1000,
        maximum: -1,
        start: -10,
        increment: -3,
        ..UP
    };

    #[test]
    fn a_part_ends_where_the_one_in_memory_does() {
        assert_eq!((UP.begin_of_full_part(), UP.begin_of_part(7)), (1, 1));
        assert_eq!((DOWN.begin_of_full_part(), DOWN.begin_of_part(-7)), (-1, -1));
        // Cut off by the end of the sequence: the next one begins behind it.
        let cut_off = State { next_not_cached: 1001, ..UP };
        assert_eq!((cut_off.begin_of_full_part(), cut_off.begin_of_part(994)), (971, 991));
        let cut_off = State { next_not_cached: -1001, ..DOWN };
        assert_eq!((cut_off.begin_of_full_part(), cut_off.begin_of_part(-994)), (-971, -991));
        // Unsigned, of 64 bits.
        let high = i128::from(u64::MAX) - 5;
        let high = State { next_not_cached: high, maximum: high + 4, ..UP };
        assert_eq!(high.begin_of_part(high.next_not_cached - 3), high.next_not_cached - 30);
    }

    #[test]
    fn a_sequence_is_begun_again_to_go_back_before_its_start() {
        assert_eq!((UP.restart(9), UP.restart(10)), (Some(1), None));
        assert_eq!((DOWN.restart(-9), DOWN.restart(-10)), (Some(-1), None));
    }

    #[test]
    fn only_a_used_cache_can_have_the_next_value() {
        assert!(UP.may_be_cached());
        assert!(!State { cache_size: 1, ..UP }.may_be_cached());
        let unused = State { next_not_cached: 10, ..UP };
        assert!(!unused.may_be_cached());
        // As after RESTART WITH 1: a part of thirty fits in front of the start.
        assert!(State { next_not_cached: 31, start: 31, ..UP }.may_be_cached());
        assert!(State { cycle_count: 1, ..unused }.may_be_cached());
    }

    #[test]
    fn every_value_is_tried_whatever_the_name_is() {
        let sql = String::from_utf8(trial("`it's`", &DOWN, -1)).unwrap();
        assert_eq!(
            sql,
            "BEGIN NOT ATOMIC DECLARE tried DECIMAL(38) DEFAULT -1; WHILE tried <> -31 AND \
             @snapdump_next IS NULL DO EXECUTE IMMEDIATE CONCAT('SELECT SETVAL(`it\\'s`, ', tried, ', 0, \
             0) INTO @snapdump_next'); SET tried = tried + -1; END WHILE; END"
        );
    }

    #[test]
    fn many_sequences_take_one_sentence() {
        let of_number = |number| Unread {
            object: ObjectName::new(ObjectKind::Sequence, "d", format!("s{number:02}")),
            reason: format!("reason {number}"),
        };
        let unread: Vec<_> = (0..12).map(of_number).collect();
        assert_eq!(warning(&[]), None);
        let two = warning(&unread[..2]).unwrap();
        assert!(two.contains(": `s00`, `s01`; SETVAL") && two.ends_with(": reason 0"), "{two}");
        assert!(warning(&unread).unwrap().contains(", `s09` and 2 more; "));
    }
}
