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
mod setup;
mod space;
mod stopping;
mod whole_server;

pub(crate) use child::Child;
pub(crate) use others::asleep;
pub(crate) use setup::{completed, open};
