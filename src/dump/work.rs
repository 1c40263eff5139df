//! What is to be read of the tables of one database, shared out among the readers.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use super::chunk::{CHUNK_ROWS, Cursor};
use crate::context::Context;
use crate::error::Result;
use crate::server::Table;

/// A table below both is small: several are read before their locks are freed.
const SMALL_ROWS: u64 = 2_000;
const SMALL_BYTES: u64 = 1 << 20;

/// How many small tables are read at a time: their locks are held until all of them are read.
const SMALL_TABLES: usize = 50;

/// One piece of work.
#[derive(Debug)]
pub(super) enum Unit {
    /// Tables, by their places in the database, each read as a whole.
    Tables(Vec<usize>),
    /// A table whose rows are read in pieces; its definition comes first.
    Large(usize),
    /// The rows of such a table that nobody has taken yet. Whoever takes it cuts a piece off and
    /// gives the rest back.
    Rows(Box<Cursor>),
}

/// The work on one database. Readers take units until there are none, now or to come.
#[derive(Debug)]
pub(super) struct Work {
    state: Mutex<State>,
    changed: Notify,
}

#[derive(Debug)]
struct State {
    units: VecDeque<Unit>,
    /// Units that may still give a rest back.
    held: usize,
}

impl Work {
    /// Shares the tables out: large ones first, so that no reader is left with one at the end, then
    /// groups of small ones. For a single reader everything stays in the order of the database.
    pub(super) fn new(
        tables: &[Table],
        readers: usize,
        chunk_bytes: u64,
        in_pieces: impl Fn(&Table) -> bool,
    ) -> Self {
        let size = |table: &Table| table.bytes_estimate.max(table.rows_estimate.saturating_mul(64));
        let (mut large, rest): (Vec<_>, Vec<_>) = (0..).zip(tables).partition(|(_, table)| {
            let large = table.rows_estimate > CHUNK_ROWS
                || table.bytes_estimate > chunk_bytes.saturating_add(chunk_bytes / 2);
            readers > 1 && large && in_pieces(table)
        });
        large.sort_by_key(|(_, table)| std::cmp::Reverse(size(table)));

        let mut groups: Vec<(u64, Vec<usize>)> = Vec::new();
        let mut open = false;
        for (place, table) in rest {
            let small = is_small(table);
            match groups.last_mut() {
                Some((bytes, group)) if open && small && group.len() < SMALL_TABLES => {
                    *bytes = bytes.saturating_add(size(table));
                    group.push(place);
                }
                _ => groups.push((size(table), vec![place])),
            }
            open = small;
        }
        if readers > 1 {
            // Stable: small tables stay in their order.
            groups.sort_by_key(|(bytes, group)| {
                std::cmp::Reverse(if group.len() > 1 { 0 } else { *bytes })
            });
        }
        let units = large
            .into_iter()
            .map(|(place, _)| Unit::Large(place))
            .chain(groups.into_iter().map(|(_, group)| Unit::Tables(group)))
            .collect();
        Self { state: Mutex::new(State { units, held: 0 }), changed: Notify::new() }
    }

    /// How many readers can do something at once.
    pub(super) fn is_worth_sharing(&self) -> bool {
        let state = self.state();
        state.units.len() > 1 || matches!(state.units.front(), Some(Unit::Large(_)))
    }

    /// The next unit, or `None` when there will be no more. After a [`Unit::Large`] or a
    /// [`Unit::Rows`] the caller must call [`give_back`](Self::give_back), unless it fails.
    pub(super) async fn take(&self, context: &Context) -> Result<Option<Unit>> {
        loop {
            let changed = self.changed.notified();
            tokio::pin!(changed);
            // From here on no change is missed.
            changed.as_mut().enable();
            {
                let mut state = self.state();
                match state.units.pop_front() {
                    Some(unit) => {
                        if !matches!(unit, Unit::Tables(_)) {
                            state.held += 1;
                        }
                        return Ok(Some(unit));
                    }
                    None if state.held == 0 => return Ok(None),
                    None => {}
                }
            }
            context.run(changed).await?;
        }
    }

    /// Gives back what is left of a unit, to be taken next.
    pub(super) fn give_back(&self, rest: Option<Box<Cursor>>) {
        let mut state = self.state();
        state.held = state.held.saturating_sub(1);
        if let Some(cursor) = rest {
            state.units.push_front(Unit::Rows(cursor));
        }
        drop(state);
        self.changed.notify_waiters();
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn is_small(table: &Table) -> bool {
    table.rows_estimate <= SMALL_ROWS
        && table.bytes_estimate <= SMALL_BYTES
        && (table.rows_estimate <= 16 || !table.has_long_columns())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(name: &str, rows: u64, bytes: u64) -> Table {
        Table {
            name: name.into(),
            engine: Some("InnoDB".into()),
            transactional: true,
            versioned: false,
            period: None,
            rows_estimate: rows,
            bytes_estimate: bytes,
            columns: Vec::new(),
            primary_key: Vec::new(),
            computes: false,
            partitions: Vec::new(),
        }
    }

    fn units(work: Work) -> Vec<String> {
        let units = work.state.into_inner().unwrap().units;
        units.iter().map(|unit| format!("{unit:?}")).collect()
    }

    #[test]
    fn large_tables_come_first_and_small_ones_in_groups() {
        let tables = [
            table("a", 10, 100),
            table("b", 900_000, 90 << 20),
            table("c", 10, 100),
            table("d", 10, 100),
            table("e", 50_000, 5 << 20),
            table("f", 9_000_000, 900 << 20),
        ];
        assert_eq!(
            units(Work::new(&tables, 2, 16 << 20, |_| true)),
            ["Large(5)", "Large(1)", "Tables([4])", "Tables([0, 2, 3])"]
        );
        assert_eq!(
            units(Work::new(&tables, 2, 16 << 20, |table| table.name != "f")),
            ["Large(1)", "Tables([5])", "Tables([4])", "Tables([0, 2, 3])"]
        );
    }

    #[test]
    fn a_single_reader_keeps_the_order_of_the_database() {
        let tables = [
            table("a", 10, 100),
            table("b", 900_000, 90 << 20),
            table("c", 0, 0),
            table("d", 0, 0),
        ];
        let work = Work::new(&tables, 1, 16 << 20, |_| true);
        assert_eq!(units(work), ["Tables([0])", "Tables([1])", "Tables([2, 3])"]);
    }

    #[tokio::test]
    async fn a_reader_waits_for_a_rest_that_may_come() {
        let work = Work::new(&[table("a", 900_000, 90 << 20)], 2, 16 << 20, |_| true);
        let context = Context::new();
        assert!(matches!(work.take(&context).await.unwrap(), Some(Unit::Large(0))));
        let (taken, ()) = tokio::join!(work.take(&context), async { work.give_back(None) });
        assert!(taken.unwrap().is_none());
    }
}
