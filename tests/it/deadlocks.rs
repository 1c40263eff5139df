//! Rows that several connections insert, of which the server gives one up for a deadlock.

use std::time::{Duration, Instant};

use mysql_async::prelude::Queryable as _;
use snapdump::{Context, DumpOptions, RestoreOptions, TlsMode, restore};

use crate::backup::{dump_into, state};
use crate::compare::compare;
use crate::faults::proxy::Proxy;
use crate::roundtrip::{connect, scratch};

on_each_server! {
    /// The rest of a deadlock is played by another session, which the server does not give up
    /// because it has changed more.
    async fn rows_that_were_given_up_are_sent_again(server: TestServer) {
        let source = server.database().await;
        source
            .run(&[
                "CREATE TABLE items (id INT PRIMARY KEY, word VARCHAR(20), KEY (word))",
                "INSERT INTO items VALUES (1, 'one'), (2, 'two'), (3, 'three')",
            ])
            .await;
        let wanted = state(&source).await;
        let (_directory, ours) = scratch();
        dump_into(&source, &ours, &DumpOptions::default()).await;
        let stock = ours.with_file_name("stock.sql");
        std::fs::write(&stock, source.stock_dump(&["--skip-no-autocommit"]).await).unwrap();

        let elsewhere = server.database().await;
        elsewhere.run(&["CREATE TABLE heavy (id INT PRIMARY KEY)"]).await;
        let many = format!(
            "INSERT INTO {}.heavy VALUES (1), (2), (3), (4), (5), (6), (7), (8), (9), (10)",
            elsewhere.name
        );
        for path in [ours, stock] {
            let target = server.database().await;
            let options = connect(&target).with_tls_mode(TlsMode::Disabled);
            let proxy = Proxy::hold_at(&options, "INSERT INTO `items`", 0).await;
            let to = proxy.options(&options);
            let what = format!("{}: {}", server.name, path.display());
            let mut restoring = tokio::spawn(async move {
                let options =
                    RestoreOptions::default().with_connections(2).with_deferred_index_bytes(0);
                restore(&to, &path, &options, &Context::new()).await
            });
            proxy.held_before(&mut restoring).await;

            let mut other = target.conn().await;
            for sql in ["BEGIN", &many, "INSERT INTO items VALUES (2, 'mine')"] {
                other.query_drop(sql).await.unwrap();
            }
            proxy.release();
            let mut looking = server.conn().await;
            let waiting = "SELECT COUNT(*) FROM information_schema.INNODB_TRX \
                           WHERE trx_state = 'LOCK WAIT' AND trx_mysql_thread_id IN \
                           (SELECT ID FROM information_schema.PROCESSLIST WHERE DB = ?)";
            let deadline = Instant::now() + Duration::from_secs(30);
            loop {
                let count: Option<u64> = looking.exec_first(waiting, (&target.name,)).await.unwrap();
                if count == Some(1) {
                    break;
                }
                assert!(!restoring.is_finished(), "{what}: it did not wait");
                assert!(Instant::now() < deadline, "{what}: it does not wait");
                // The server reads this list anew only when nobody has for 0.1 seconds.
                tokio::time::sleep(Duration::from_millis(150)).await;
            }
            // It holds the first row, and waits for the second.
            other.query_drop("SELECT * FROM items WHERE id = 1 FOR UPDATE").await.unwrap();
            other.query_drop("ROLLBACK").await.unwrap();
            let done = restoring.await.unwrap();
            assert!(done.is_ok(), "{what}: {}", done.unwrap_err().chain());
            other.disconnect().await.unwrap();
            looking.disconnect().await.unwrap();
            let differences: Vec<_> = compare(&wanted, &state(&target).await)
                .iter()
                .map(ToString::to_string)
                .collect();
            assert_eq!(differences, [""; 0], "{what}");
            proxy.stop().await;
        }
    }
}
