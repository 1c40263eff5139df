//! The integration tests: everything that needs a server.
//!
//! `scripts/test` starts one server of each flavour and tells this binary where they are by
//! environment variables (see [`harness`]). Every test makes databases of its own, so all of them
//! run at once, and each leaves its server as it was.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a test fails by panicking, and may say why"
)]

#[macro_use]
mod harness;

#[path = "../compare/mod.rs"]
mod compare;
#[path = "../../examples/sample/mod.rs"]
mod sample_data;

mod accounts;
mod backup;
mod binlog;
mod changes;
mod command_line;
mod comparer;
mod connect;
mod constraints;
mod corpus;
mod counts;
mod databases;
mod deadlocks;
mod encryption;
mod failures;
mod faults;
mod foreign_dumps;
mod foreign_files;
mod gate;
mod global_settings;
mod histograms;
mod history;
#[cfg(feature = "http")]
mod http;
mod jobs;
mod lacking;
mod locks;
mod log;
mod nontransactional;
mod one_state;
mod options;
mod parallel_dump;
mod parallel_restore;
mod privileges;
mod random;
mod restore_point;
mod roundtrip;
mod sample;
mod scheduler;
mod sequences;
mod snapshot;
mod stock_clients;
mod stopping;
mod strict;
mod whole_server;
mod written;
