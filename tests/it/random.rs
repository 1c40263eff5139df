//! Tables that nobody thought of: random definitions and rows through a dump and back, compared as
//! a whole.
//!
//! `SNAPDUMP_TEST_RANDOM_SECONDS` is the time for each server (15 by default), and
//! `SNAPDUMP_TEST_RANDOM_SEED` chooses the run (1 by default, so that the same tree gives the same
//! result): a failure prints it, and the smallest case that still fails.

mod schema;
mod value;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::{Duration, Instant};

use mysql_async::prelude::Queryable as _;
use proptest::test_runner::{Config, RngAlgorithm, TestCaseError, TestError, TestRng, TestRunner};
use snapdump::{Context, DumpOptions, RestoreOptions, dump_to_path, restore};

use crate::harness::TestServer;
use crate::roundtrip::{connect, scratch};
use crate::sample::differences;
use schema::Schema;
use value::Features;

/// What a run has seen.
#[derive(Debug, Default)]
struct Tally {
    cases: u32,
    tables: u32,
    /// Definitions that the server does not take: not every combination means something.
    refused: u32,
    /// Why, by the number of the server's error.
    reasons: BTreeMap<u16, u32>,
    rows: u64,
}

/// One case: makes the tables that the server takes, with their rows, and takes them around.
async fn trip(server: &TestServer, schema: &Schema, tally: &mut Tally) -> Result<(), String> {
    let source = server.database_with(&schema.database_options()).await;
    let mut conn = source.conn().await;
    conn.query_drop("SET SESSION sql_mode = 'ALLOW_INVALID_DATES', time_zone = '+00:00'")
        .await
        .unwrap();
    for (number, table) in schema.tables.iter().enumerate() {
        tally.tables += 1;
        if let Err(error) = conn.query_drop(schema.create(number)).await {
            let mysql_async::Error::Server(error) = error else { return Err(error.to_string()) };
            tally.refused += 1;
            *tally.reasons.entry(error.code).or_default() += 1;
            continue;
        }
        for insert in table.inserts(number) {
            // Duplicates of a key, and values that do not fit.
            if conn.query_drop(insert).await.is_ok() {
                tally.rows += 1;
            }
        }
    }
    conn.disconnect().await.unwrap();

    let (_directory, path) = scratch();
    let context = Context::new();
    let options = DumpOptions::default();
    dump_to_path(&connect(&source), &path, &options, &context)
        .await
        .map_err(|error| format!("dump: {}", error.chain()))?;
    let target = server.database().await;
    restore(&connect(&target), &path, &RestoreOptions::default(), &context)
        .await
        .map_err(|error| format!("restore: {}", error.chain()))?;
    let differences = differences(&source, &target).await;
    if differences.is_empty() { Ok(()) } else { Err(differences.join("\n")) }
}

fn from_environment(name: &str, otherwise: u64) -> u64 {
    match std::env::var(name) {
        Ok(text) => text.parse().unwrap_or_else(|_| panic!("{name} is no number: {text}")),
        Err(_) => otherwise,
    }
}

/// Runs cases until the time is over. Blocks its thread.
fn run_cases(server: &TestServer, runtime: &tokio::runtime::Handle) -> Tally {
    let seconds = from_environment("SNAPDUMP_TEST_RANDOM_SECONDS", 15);
    let seed = from_environment("SNAPDUMP_TEST_RANDOM_SEED", 1);
    println!("{}: SNAPDUMP_TEST_RANDOM_SEED={seed}", server.name);

    let config = Config {
        cases: 1,
        failure_persistence: None,
        max_shrink_iters: 300,
        max_shrink_time: 60_000,
        ..Config::default()
    };
    let features =
        Features { mariadb: server.is_mariadb(), vectors: server.name != "mariadb_10_11" };
    let strategy = schema::schemas(features);
    let tally = std::cell::RefCell::new(Tally::default());
    let end = Instant::now() + Duration::from_secs(seconds);
    while Instant::now() < end {
        tally.borrow_mut().cases += 1;
        // A runner stops for good after its cases, so each has one of its own.
        let mut bytes = [0; 32];
        bytes[..8].copy_from_slice(&seed.to_le_bytes());
        bytes[8..12].copy_from_slice(&tally.borrow().cases.to_le_bytes());
        let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &bytes);
        let mut runner = TestRunner::new_with_rng(config.clone(), rng);
        let done = runner.run(&strategy, |schema| {
            let mut tally = tally.borrow_mut();
            runtime
                .block_on(Box::pin(trip(server, &schema, &mut tally)))
                .map_err(TestCaseError::fail)
        });
        if let Err(TestError::Fail(reason, schema)) = done {
            let mut text = String::new();
            for (number, table) in schema.tables.iter().enumerate() {
                writeln!(text, "{};", schema.create(number)).unwrap();
                for insert in table.inserts(number) {
                    writeln!(text, "{insert};").unwrap();
                }
            }
            panic!(
                "{}: SNAPDUMP_TEST_RANDOM_SEED={seed}, case {}:\n{reason}\n\n-- {}\n{text}",
                server.name,
                tally.borrow().cases,
                schema.database_options()
            );
        } else if let Err(TestError::Abort(reason)) = done {
            panic!("{}: SNAPDUMP_TEST_RANDOM_SEED={seed}: {reason}", server.name);
        }
    }
    tally.into_inner()
}

on_each_server! {
    /// Whatever the server takes comes back the same.
    async fn random_tables_come_back_the_same(server: TestServer) {
        let runtime = tokio::runtime::Handle::current();
        let name = server.name;
        let tally =
            tokio::task::spawn_blocking(move || run_cases(&server, &runtime)).await.unwrap();
        println!("{name}: {tally:?}");
        // A generator whose tables are all refused proves nothing.
        assert!(tally.tables >= tally.cases, "{name}: {tally:?}");
        assert!(tally.refused * 5 <= tally.tables + 10, "{name}: {tally:?}");
        assert!(tally.rows > 0, "{name}: {tally:?}");
    }
}
