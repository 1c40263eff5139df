//! Dumps databases of a live server into one file.
//!
//! The order of the script is the order of FORMAT.md: session settings; for each database its
//! tables with their rows, and stand-ins for its views; then, when every table of every database
//! is there, routines, views, triggers and events; settings back; footer.

mod accounts;
mod calendar;
mod cells;
mod chunk;
mod computed;
mod converted;
mod databases;
mod definer;
mod exact;
mod granted_columns;
mod group;
mod guard;
mod histograms;
mod history;
mod inserts;
mod options;
mod own_database;
mod partition_values;
mod plan;
mod preflight;
mod printed;
// Seen by `internals`.
pub(crate) mod printed_rows;
mod program;
mod programs;
mod reader;
mod report;
mod rows;
mod run;
mod script;
mod select;
mod sequence;
mod session_settings;
mod spatial;
mod still;
mod table;
mod unsigned;
mod view;
mod view_order;
mod work;

pub use options::{Databases, Definer, DumpOptions, History, NonTransactional};
pub use report::DumpReport;
pub use select::Selector;

use std::path::Path;

use tokio::io::AsyncWrite;

use crate::context::Context;
use crate::error::{Error, ErrorKind, Result};
use crate::server::ConnectOptions;
use crate::store::StagedFile;

/// Dumps into a file that appears under its name only when it is whole.
///
/// The dump is written to a temporary file in the same directory, readable by its owner only
/// (mode 0600), flushed to disk and then renamed.
///
/// # Errors
/// As [`dump`], and [`ErrorKind::Io`] if the directory cannot be written or the file exists and
/// may not be replaced ([`DumpOptions::with_overwrite`]). No file is left behind.
///
/// # Cancel safety
/// Dropping the future leaves no file behind, and kills its query on the server.
#[tracing::instrument(name = "dump", skip_all, err(level = "debug"), fields(
    server = %connect,
    databases = ?options.databases(),
    file = ?path.as_ref(),
))]
pub async fn dump_to_path(
    connect: &ConnectOptions,
    path: impl AsRef<Path>,
    options: &DumpOptions,
    context: &Context,
) -> Result<DumpReport> {
    let path = path.as_ref();
    let at_file = |error: Error| error.at(|place| place.file = Some(path.display().to_string()));
    let mut staged =
        StagedFile::create(path, options.overwrite(), context).await.map_err(at_file)?;
    let report = Box::pin(run::run(connect, staged.writer(), options, context)).await?;
    staged.publish(context).await.map_err(at_file)?;
    note(&report);
    Ok(report)
}

/// Dumps into any writer. The bytes are whole only if this returns `Ok`: a reader refuses them
/// otherwise, because the footer is missing.
///
/// # Errors
/// - [`ErrorKind::Config`]: the options ask for something that is not there.
/// - [`ErrorKind::Connect`], [`ErrorKind::Auth`]: no session with the server, or it broke.
/// - [`ErrorKind::Privilege`]: the account may not read something; the message names it.
/// - [`ErrorKind::Unsupported`]: something that this version does not know how to keep.
/// - [`ErrorKind::Changed`]: a definition was changed while the dump ran.
/// - [`ErrorKind::Server`], [`ErrorKind::Protocol`]: the server failed or misbehaved.
/// - [`ErrorKind::Io`]: the writer failed.
/// - [`ErrorKind::Cancelled`], [`ErrorKind::TimedOut`]: by the context.
///
/// # Cancel safety
/// Dropping the future kills its query on the server; the writer has then received a fragment.
#[tracing::instrument(skip_all, err(level = "debug"), fields(
    server = %connect,
    databases = ?options.databases(),
))]
pub async fn dump<W: AsyncWrite + Unpin + Send>(
    connect: &ConnectOptions,
    output: W,
    options: &DumpOptions,
    context: &Context,
) -> Result<DumpReport> {
    // In a box: the futures of those who call this stay small.
    let report = Box::pin(run::run(connect, output, options, context)).await?;
    note(&report);
    Ok(report)
}

fn note(report: &DumpReport) {
    let DumpReport { tables, rows, file_bytes, .. } = report;
    tracing::info!(tables, rows, bytes = file_bytes, "dumped");
}

fn count(length: usize) -> u64 {
    u64::try_from(length).unwrap_or(u64::MAX)
}

/// The failure that made the others fail: those were only told to stop.
fn cause(one: Result<()>, other: Result<()>) -> Result<()> {
    match (one, other) {
        (Err(one), Err(other)) if one.kind() == ErrorKind::Cancelled => Err(other),
        (Err(one), _) => Err(one),
        (Ok(()), other) => other,
    }
}
