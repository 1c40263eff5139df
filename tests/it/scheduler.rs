//! Events restored while the server's scheduler is at work.

use std::time::Duration;

use mysql_async::prelude::Queryable as _;

use crate::backup::{dump_into, plain, present, restore_into};
use crate::faults::private::PrivateServer;
use crate::roundtrip::scratch;

on_each_server! {
    /// What was to happen once, and is over by then, is not run again by a restore.
    async fn an_event_whose_time_is_over_is_not_run(server: TestServer) {
        let private = PrivateServer::like(&server).await;
        let server = &private.server;
        let source = server.database().await;
        source
            .run(&[
                "CREATE TABLE t (a INT)",
                "SET GLOBAL event_scheduler = OFF",
                "CREATE EVENT once ON SCHEDULE AT NOW() + INTERVAL 1 SECOND DO INSERT INTO t VALUES (1)",
                "CREATE EVENT kept ON SCHEDULE AT NOW() + INTERVAL 1 SECOND ON COMPLETION PRESERVE \
                 DO INSERT INTO t VALUES (2)",
                "CREATE EVENT ends ON SCHEDULE EVERY 1 SECOND STARTS NOW() ENDS NOW() + INTERVAL 1 SECOND \
                 DO INSERT INTO t VALUES (3)",
                "CREATE EVENT disabled ON SCHEDULE AT NOW() + INTERVAL 1 SECOND DISABLE DO INSERT INTO t \
                 VALUES (5)",
                "CREATE EVENT comes ON SCHEDULE AT NOW() + INTERVAL 1 DAY DO INSERT INTO t VALUES (4)",
            ])
            .await;
        let events = present(&source).await;
        let (_directory, path) = scratch();
        dump_into(&source, &path, &plain()).await;
        tokio::time::sleep(Duration::from_secs(3)).await;
        let mut conn = server.conn().await;
        conn.query_drop("SET GLOBAL event_scheduler = ON").await.unwrap();
        let (ours, client) = (server.database().await, server.database().await);
        let report = restore_into(&ours, &path).await;
        client.stock_client(&std::fs::read(&path).unwrap()).await.unwrap();
        tokio::time::sleep(Duration::from_secs(2)).await;
        for database in [&ours, &client] {
            let rows: Option<u64> = conn
                .query_first(format!("SELECT COUNT(*) FROM {}.t", database.name))
                .await
                .unwrap();
            assert_eq!(rows, Some(0), "{}", server.name);
            let events: Vec<_> =
                present(database).await.into_iter().filter(|name| name.starts_with("event ")).collect();
            assert_eq!(events, ["event comes", "event disabled", "event kept"], "{}", server.name);
        }
        let gone: Vec<_> = report.warnings.iter().filter(|line| line.contains("scheduler")).collect();
        assert_eq!(gone.len(), 2, "{:?}", report.warnings);
        assert!(gone[0].contains(".`ends`") && gone[1].contains(".`once`"), "{gone:?}");
        conn.disconnect().await.unwrap();

        // With the scheduler at rest they come back as they were.
        source.run(&["SET GLOBAL event_scheduler = OFF"]).await;
        let later = server.database().await;
        restore_into(&later, &path).await;
        assert_eq!(present(&later).await, events);
    }
}
