//! The backup manager: jobs over a directory, one at a time.

mod life;
mod rollback;
mod setup;

pub(crate) use setup::{completed, open};
