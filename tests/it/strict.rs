//! Tables that `InnoDB` makes without its strict mode only.

use snapdump::{Context, RestoreOptions, restore};

use crate::backup::{dump_into, plain, restore_into, state};
use crate::compare::compare;
use crate::roundtrip::{connect, scratch};

/// Tables whose rows could be too long for a page, or with options that contradict each other.
fn tables() -> Vec<String> {
    let wide = |kind: &str, columns: u32, options: &str| {
        let columns: Vec<_> =
            (0..columns).map(|n| format!("c{n} {kind} CHARACTER SET latin1")).collect();
        format!(
            "CREATE TABLE w{} (id INT PRIMARY KEY, {}){options}",
            options.len(),
            columns.join(",")
        )
    };
    vec![
        "SET innodb_strict_mode = OFF".to_owned(),
        wide("VARCHAR(200)", 220, ""),
        wide("CHAR(250)", 35, " ROW_FORMAT=COMPACT"),
        wide("CHAR(255)", 4, " ROW_FORMAT=COMPRESSED KEY_BLOCK_SIZE=1"),
        "INSERT INTO w0 (id, c219) VALUES (1, 'x')".to_owned(),
    ]
}

on_each_server! {
    /// Our restore makes them; the stock client needs the server's mode off.
    async fn what_was_made_without_strict_mode_comes_back(server: TestServer) {
        let source = server.database().await;
        source.run(&tables().iter().map(String::as_str).collect::<Vec<_>>()).await;
        let (_directory, path) = scratch();
        dump_into(&source, &path, &plain()).await;
        let target = server.database().await;
        let report = restore_into(&target, &path).await;
        let told = report.warnings.iter().filter(|line| line.contains("innodb_strict_mode"));
        assert_eq!(told.count(), 3, "{:?}", report.warnings);
        let differences = compare(&state(&source).await, &state(&target).await);
        assert!(differences.is_empty(), "{differences:?}");

        // Nobody puts a foreign file right.
        let text = std::fs::read_to_string(&path).unwrap();
        let foreign = text.split_once('\n').unwrap().1.replace("snapdump", "");
        let foreign = foreign.split_once("-- manifest").map_or(foreign.as_str(), |(sql, _)| sql);
        std::fs::write(&path, foreign).unwrap();
        let target = server.database().await;
        let options = RestoreOptions::default();
        let error =
            restore(&connect(&target), &path, &options, &Context::new()).await.unwrap_err();
        assert_eq!(error.server().unwrap().number, 1118, "{}", error.chain());
        assert!(target.stock_client(foreign.as_bytes()).await.unwrap_err().contains("1118"));
    }
}
