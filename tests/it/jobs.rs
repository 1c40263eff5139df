//! The backup manager: jobs over a directory, one at a time.

mod child;
mod disk;
mod half_done;
mod life;
mod log;
mod machine;
mod others;
mod phases;
mod refusals;
mod rollback;
pub(crate) mod setup;
mod space;
mod stopping;
mod whole_server;

pub(crate) use setup::{completed, open};
#[cfg(feature = "http")]
pub(crate) use {child::Child, others::asleep};
