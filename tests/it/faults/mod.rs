//! Whatever breaks, nothing is lost and nothing lies: faults of every kind, injected.
//!
//! [`property`] states once what must hold after each of them.

#![allow(clippy::future_not_send, reason = "each test runs on one thread")]

mod attackers;
pub(crate) mod child;
mod clock;
mod disk;
mod downgrade;
mod hostile_server;
mod jobs;
mod killed;
mod library;
mod links;
mod load;
mod matrix;
mod network;
pub(crate) mod private;
mod processes;
mod property;
pub(crate) mod proxy;
mod publish;
mod recorded;
#[cfg(feature = "http")]
mod rest;
mod server;
mod steps;
mod together;
mod world;

use crate::harness::TestServer;

/// `quick` for the tests of every change, `full` for `scripts/soak`.
fn depth(quick: u64, full: u64) -> u64 {
    if is_soak() { full } else { quick }
}

fn is_soak() -> bool {
    std::env::var_os("SNAPDUMP_SOAK").is_some()
}

/// Whether a case of a matrix is tried on this server: in `scripts/soak` all are tried on all, in
/// the tests of every change each on one, so that together they try everything.
fn chosen(server: &TestServer, number: usize) -> bool {
    let place = TestServer::all().iter().position(|other| other.name == server.name);
    is_soak() || place == Some(number % 3)
}

/// A number for RELIABILITY.md: `scripts/soak` adds up the lines of each name.
pub(crate) fn figure(name: &str, number: u64) {
    println!("figure: {name}: {number}");
}
