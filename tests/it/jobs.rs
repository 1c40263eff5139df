//! The backup manager: jobs over a directory, one at a time.

mod child;
mod life;
mod machine;
mod others;
mod refusals;
mod rollback;
mod setup;
mod stopping;

pub(crate) use setup::{completed, open};
