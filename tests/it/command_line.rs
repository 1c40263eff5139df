//! The example program `restore`, as a process.

use std::path::Path;

use serde_json::Value;
use snapdump::DumpOptions;
use tokio::process::Command;

use crate::backup::{dump_into, present};
use crate::harness::{self, TestDatabase};
use crate::roundtrip::scratch;
use crate::sample::{differences, sample_database};

fn command(program: &Path, database: &TestDatabase, arguments: &[&str]) -> Command {
    let mut command = Command::new(program);
    // By the environment, because everybody can read arguments.
    command.env("SNAPDUMP_URL", database.url()).args(arguments).kill_on_drop(true);
    command
}

on_each_server! {
    /// The report and the progress are JSON, with bytes, statements and how fast they went.
    async fn restore_tells_its_progress_and_its_result_to_programs(server: TestServer) {
        let source = sample_database(&server, 300).await;
        let (_directory, path) = scratch();
        dump_into(&source, &path, &DumpOptions::default()).await;
        let bytes = std::fs::read(&path).unwrap();
        let restore = harness::example("restore").await;
        let target = server.database().await;
        let output = harness::run(command(&restore, &target, &["--file", "-", "--json"]), &bytes).await;
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert!(output.status.success(), "{stderr}");
        assert_eq!(differences(&source, &target).await, [""; 0]);

        let report: Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(report["compared"], true);
        assert_eq!(report["file_bytes"], bytes.len());
        assert!(report["objects"]["table"].as_u64().unwrap() > 5, "{report}");
        assert!(report["rows"].as_u64().unwrap() > 200, "{report}");
        let lines: Vec<Value> =
            stderr.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
        let last = &lines.last().expect("a line of progress")["progress"];
        assert!(last["bytes_done"].as_u64().unwrap() > 1_000, "{last}");
        assert_eq!(last["statements_done"], report["statements"], "{last}");
        for rate in ["bytes_per_second", "statements_per_second", "elapsed"] {
            assert!(last[rate].as_f64().unwrap() > 0.0, "{rate}: {last}");
        }

        // What cannot be restored is one line for people, and no report.
        let empty = server.database().await;
        let cut = harness::run(command(&restore, &empty, &["--file", "-"]), &bytes[..bytes.len() - 1]).await;
        assert_eq!(cut.status.code(), Some(1));
        assert!(cut.stdout.is_empty());
        let stderr = String::from_utf8(cut.stderr).unwrap();
        assert!(stderr.starts_with("error: ") && stderr.lines().count() == 1, "{stderr}");
        assert!(present(&empty).await.is_empty());
    }
}
