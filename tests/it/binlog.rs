//! What a restore writes to the server's binary log, and so sends to its replicas.

use mysql_async::Row;
use mysql_async::prelude::Queryable as _;
use snapdump::{DumpOptions, RestoreOptions};

use crate::backup::{dump_into, restore_with};
use crate::harness::TestDatabase;
use crate::roundtrip::scratch;
use crate::sample::{differences, sample_database};
use crate::snapshot::end_of_log;

/// The events of the log that name a database, of those that a restore into it has written. Other
/// tests write at the same time.
async fn logged_by_restore(target: &TestDatabase, options: &RestoreOptions) -> Vec<String> {
    let (source, (_directory, path)) = (sample_database(&target.server, 300).await, scratch());
    dump_into(&source, &path, &DumpOptions::default()).await;
    let mut conn = target.server.conn().await;
    let (file, position, _) = end_of_log(&mut conn, &target.server).await;
    restore_with(target, &path, options).await;
    assert_eq!(differences(&source, target).await, [""; 0]);

    let files: Vec<Row> = conn.query("SHOW BINARY LOGS").await.unwrap();
    let files = files.iter().map(|row| row.get::<String, _>(0).unwrap());
    let mut events = Vec::new();
    for later in files.filter(|name| *name >= file) {
        let from = if later == file { position } else { 4 };
        let show = format!("SHOW BINLOG EVENTS IN '{later}' FROM {from}");
        let rows: Vec<Row> = conn.query(show).await.unwrap();
        events.extend(rows.iter().map(|row| row.get::<String, _>("Info").unwrap()));
    }
    conn.disconnect().await.unwrap();
    let other = |c: char| !c.is_ascii_alphanumeric() && c != '_';
    events.retain(|event| event.split(other).any(|word| word == target.name));
    events
}

on_each_server! {
    /// Replicas get all of it unless that is switched off, on however many connections it runs.
    async fn a_restore_is_in_the_binary_log_unless_it_is_not_to_be(server: TestServer) {
        let logged = server.database().await;
        let events = logged_by_restore(&logged, &RestoreOptions::default()).await;
        for word in ["CREATE TABLE", "TRIGGER", "PROCEDURE", "VIEW", "table_id"] {
            assert!(events.iter().any(|event| event.contains(word)), "{word}: {events:?}");
        }

        let unlogged = server.database().await;
        let options = RestoreOptions::default().with_binlog(false).with_connections(3);
        assert_eq!(logged_by_restore(&unlogged, &options).await, [""; 0]);
    }
}
