//! Restores a file: `restore --url mysql://root@localhost/shop --file shop.sql.gz`
//!
//! What the target holds is saved into `--backup-dir` first.

#![allow(clippy::print_stderr, reason = "a command line program talks on standard error")]

mod cli;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use cli::{ConnectArgs, grouped, print_json, print_warnings};
use snapdump::{Context, RestoreOptions, Result, prepare, prepare_reader};

/// Restore a .sql or .sql.gz file into a MySQL or MariaDB server
#[derive(Debug, Parser)]
#[allow(clippy::struct_excessive_bools, reason = "each is a switch of the command line")]
struct Args {
    #[command(flatten)]
    connect: ConnectArgs,
    /// The file to restore; - for standard input
    #[arg(long, short)]
    file: PathBuf,
    /// Where the restore point is written; needed when the target is not empty
    #[arg(long, value_name = "DIR")]
    backup_dir: Option<PathBuf>,
    /// Let the script of another tool create, drop and select databases by name
    #[arg(long)]
    allow_other_databases: bool,
    /// Restore a stock dump although its last line is missing
    #[arg(long)]
    allow_incomplete: bool,
    /// Do not write the restore to the server's binary log
    #[arg(long)]
    skip_binlog: bool,
    /// How many connections replay a file of our own
    #[arg(long, value_name = "N")]
    parallel: Option<usize>,
    /// Print the report as JSON
    #[arg(long)]
    json: bool,
}

impl Args {
    async fn run(&self, context: Context) -> Result<()> {
        let connect = self.connect.options()?;
        let mut options = RestoreOptions::default()
            .with_other_databases(self.allow_other_databases)
            .with_incomplete(self.allow_incomplete)
            .with_binlog(!self.skip_binlog);
        if let Some(directory) = &self.backup_dir {
            options = options.with_restore_point_directory(directory);
        }
        if let Some(connections) = self.parallel {
            options = options.with_connections(connections);
        }
        let prepared = if self.file.as_os_str() == "-" {
            prepare_reader(&connect, tokio::io::stdin(), &options, &context).await?
        } else {
            prepare(&connect, &self.file, &options, &context).await?
        };
        let restore_point = prepared.restore_point().map(|point| point.path().to_owned());
        if let Some(path) = &restore_point {
            eprintln!("restore point: {}", path.display());
        }
        let report = prepared.apply(&context).await?;
        print_warnings(&report.warnings);
        if self.json {
            print_json(&report);
        } else {
            eprintln!(
                "{}: {} statements, {:.1} s{}",
                self.file.display(),
                grouped(report.statements),
                report.duration.as_secs_f64(),
                if report.compared { ", compared with the manifest" } else { "" },
            );
        }
        Ok(())
    }
}

fn main() -> ExitCode {
    let args = Args::parse();
    cli::run(args.json, |context| async move { args.run(context).await })
}
