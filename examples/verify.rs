//! Reads a whole backup and proves that it is undamaged: `verify shop.sql.gz`

#![allow(clippy::print_stderr, reason = "a command line program talks on standard error")]

mod cli;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use cli::{bytes, grouped, print_json, print_line};
use snapdump::verify;

/// Read a whole backup and prove that it is undamaged
#[derive(Debug, Parser)]
struct Args {
    /// The backup
    file: PathBuf,
    /// Print the report as JSON
    #[arg(long)]
    json: bool,
}

fn main() -> ExitCode {
    let args = Args::parse();
    cli::run(args.json, |context| async move {
        let report = verify(&args.file, &context).await?;
        if args.json {
            print_json(&report);
            return Ok(());
        }
        print_line(&format!(
            "{}: undamaged; {} objects, {} rows, {} of SQL, SHA-256 {}",
            args.file.display(),
            grouped(report.objects),
            grouped(report.rows),
            bytes(report.sql_bytes),
            report.sha256
        ));
        Ok(())
    })
}
