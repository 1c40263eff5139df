//! The sample database: a public library network, and rows for it.
//!
//! The integration tests and the quickstart both use it. [`SCHEMA`] is a script for the stock
//! clients; [`fill`] makes the same rows on every run, many of them on the edges of their types.

#![allow(dead_code, reason = "each crate that includes this module uses a part of it")]

mod edges;
mod insert;
pub(crate) mod random;
mod tables;

use mysql_async::Conn;
use mysql_async::prelude::Queryable;
use random::Random;
use tables::Filler;

/// Tables, views, routines, triggers and events, in the syntax of the stock clients.
pub(crate) const SCHEMA: &str = include_str!("schema.sql");

/// Fills the tables with about `rows` rows altogether and returns how many there are.
///
/// The session's database must hold [`SCHEMA`], without rows. `on_progress` hears the number of
/// rows so far, once for every statement. The session's settings are put back at the end.
///
/// # Errors
/// Any error of the server; the tables then hold a part of the rows.
pub(crate) async fn fill(
    conn: &mut Conn,
    rows: u64,
    mut on_progress: impl FnMut(u64) + Send,
) -> mysql_async::Result<u64> {
    // An empty sql_mode lets zero dates in. The references are known to be right.
    conn.query_drop(
        "SET @old_mode = @@sql_mode, @old_zone = @@time_zone, @old_unique = @@unique_checks, \
         @old_foreign = @@foreign_key_checks, @old_results = @@character_set_results, \
         @old_client = @@character_set_client, @old_collation = @@collation_connection",
    )
    .await?;
    conn.query_drop("SET NAMES utf8mb4").await?;
    conn.query_drop(
        "SET sql_mode = '', time_zone = '+00:00', unique_checks = 0, foreign_key_checks = 0",
    )
    .await?;
    let made = Filler {
        conn,
        random: Random::new(20_260_101),
        sizes: Sizes::of(rows),
        made: 0,
        on_progress: &mut on_progress,
    }
    .all()
    .await?;
    conn.query_drop(
        "SET sql_mode = @old_mode, time_zone = @old_zone, unique_checks = @old_unique, \
         foreign_key_checks = @old_foreign, character_set_results = @old_results, \
         character_set_client = @old_client, collation_connection = @old_collation",
    )
    .await?;
    Ok(made)
}

/// Rows of each table.
struct Sizes {
    staff: u64,
    works: u64,
    copies: u64,
    members: u64,
    loans: u64,
    /// Each of these also makes a row of `journal`, by a trigger.
    reservations: u64,
    visits: u64,
    gate_log: u64,
}

impl Sizes {
    fn of(rows: u64) -> Self {
        let share = |percent: u64, least: u64| (rows * percent / 100).max(least);
        Self {
            staff: (rows / 500).max(15),
            works: share(5, 10),
            copies: share(12, 20),
            members: share(9, 10),
            loans: share(44, 20),
            reservations: share(3, 5),
            visits: share(11, 10),
            gate_log: share(13, 10),
        }
    }
}
