//! Logical backup of MySQL and MariaDB, in process.

pub mod archive;
pub mod context;
pub mod error;
pub mod ident;
pub mod progress;
mod sql;

pub use context::Context;
pub use error::{Error, ErrorKind, Result};
