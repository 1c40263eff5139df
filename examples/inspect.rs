//! Shows the manifest of a backup, reading only its end: `inspect shop.sql.gz`

#![allow(clippy::print_stderr, reason = "a command line program talks on standard error")]

mod cli;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use cli::{bytes, grouped, print_json, print_line};
use snapdump::{Footer, Result, inspect};

/// Show what a backup holds, reading only its end
#[derive(Debug, Parser)]
struct Args {
    /// The backup
    file: PathBuf,
    /// Print manifest and index as JSON
    #[arg(long)]
    json: bool,
    /// List every object, and every member of the file
    #[arg(long)]
    all: bool,
}

fn show(footer: &Footer, all: bool) {
    let manifest = &footer.manifest;
    let line = |name: &str, text: String| print_line(&format!("{name:<12} {text}"));
    line("written by", format!("{}, format {}", manifest.writer, manifest.format));
    line("server", format!("{} {}", manifest.flavor, manifest.server_version));
    line("snapshot", manifest.created_at.format("%Y-%m-%d %H:%M:%S UTC").to_string());
    if let Some(binlog) = &manifest.snapshot.binlog {
        line("binary log", format!("{} {}", binlog.file, binlog.position));
    }
    if let Some(gtid) = &manifest.snapshot.gtid {
        line("GTIDs", gtid.clone());
    }
    for database in &manifest.databases {
        let defaults = format!("{}, {}", database.charset, database.collation);
        line("database", format!("{} ({defaults})", database.name));
    }
    for (kind, count) in manifest.counts() {
        line("", format!("{:>12} {}", grouped(count), plural(kind.word(), count)));
    }
    line("", format!("{:>12} {}", grouped(manifest.rows()), plural("row", manifest.rows())));
    line("file", format!("{} in {} members", bytes(footer.file_bytes), footer.index.members.len()));
    line("SHA-256", footer.sha256.clone());
    for text in &manifest.left_out {
        line("left out", text.clone());
    }
    for text in &manifest.warnings {
        line("warning", text.clone());
    }
    if all {
        for object in &manifest.objects {
            let rows = object.rows.map(|rows| format!(" {} rows", grouped(rows)));
            line("object", format!("{}{}", object.name, rows.unwrap_or_default()));
        }
        for member in &footer.index.members {
            let rows: u64 = member.parts.iter().map(|part| part.rows).sum();
            line(
                "member",
                format!(
                    "{:?} at {} length {} text {} rows {rows}",
                    member.section, member.offset, member.length, member.sql_bytes
                ),
            );
        }
    }
}

fn plural(word: &str, count: u64) -> String {
    match (count, word.strip_suffix('y')) {
        (1, _) => word.to_owned(),
        (_, Some(stem)) => format!("{stem}ies"),
        _ => format!("{word}s"),
    }
}

fn main() -> ExitCode {
    let args = Args::parse();
    let shown = || -> Result<()> {
        let footer = inspect(&args.file)?;
        if args.json {
            print_json(&footer);
        } else {
            show(&footer, args.all);
        }
        Ok(())
    };
    match shown() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {}", error.chain());
            ExitCode::FAILURE
        }
    }
}
