//! A dump ends with as many objects of each kind as the server has, by the server's own count.

use std::collections::BTreeMap;

use mysql_async::prelude::Queryable as _;
use snapdump::{Context, DumpOptions, ObjectKind, Selector, dump, dump_to_path, inspect};

use crate::harness::TestDatabase;
use crate::roundtrip::{connect, scratch};
use crate::sample::sample_database;

/// What `information_schema` counts, without the kinds that there are none of.
async fn counts(database: &TestDatabase) -> BTreeMap<ObjectKind, u64> {
    let name = &database.name;
    let tables =
        |kinds: &str| format!("TABLES WHERE TABLE_SCHEMA = '{name}' AND TABLE_TYPE IN ({kinds})");
    let routines = |kind: &str| {
        format!("ROUTINES WHERE ROUTINE_SCHEMA = '{name}' AND ROUTINE_TYPE = '{kind}'")
    };
    let mut queries = vec![
        (ObjectKind::Table, tables("'BASE TABLE', 'SYSTEM VERSIONED'")),
        (ObjectKind::View, tables("'VIEW'")),
        (ObjectKind::Sequence, tables("'SEQUENCE'")),
        (ObjectKind::Trigger, format!("TRIGGERS WHERE TRIGGER_SCHEMA = '{name}'")),
        (ObjectKind::Event, format!("EVENTS WHERE EVENT_SCHEMA = '{name}'")),
        (ObjectKind::Function, routines("FUNCTION")),
        (ObjectKind::Procedure, routines("PROCEDURE")),
        (ObjectKind::Package, routines("PACKAGE")),
        (ObjectKind::PackageBody, routines("PACKAGE BODY")),
    ];
    if !database.server.is_mariadb() {
        queries.push((ObjectKind::Library, format!("LIBRARIES WHERE LIBRARY_SCHEMA = '{name}'")));
    }
    let mut conn = database.conn().await;
    let mut counts = BTreeMap::new();
    for (kind, query) in queries {
        let sql = format!("SELECT COUNT(*) FROM information_schema.{query}");
        let count: u64 = conn.query_first(sql).await.unwrap().unwrap();
        if count > 0 {
            counts.insert(kind, count);
        }
    }
    conn.disconnect().await.unwrap();
    counts
}

on_each_server! {
    /// Everything is counted, and what the options leave out is not.
    async fn the_counts_are_those_of_the_server(server: TestServer) {
        let database = sample_database(&server, 100).await;
        let expected = counts(&database).await;
        assert!(expected.len() > 5, "{expected:?}");
        let (_directory, path) = scratch();
        let options = DumpOptions::default();
        let report =
            dump_to_path(&connect(&database), &path, &options, &Context::new()).await.unwrap();
        assert_eq!(report.objects, expected);
        assert_eq!(inspect(&path).unwrap().manifest.counts(), expected);

        let options = DumpOptions::default()
            .without_kind(ObjectKind::Trigger)
            .with_exclude("event:*".parse::<Selector>().unwrap());
        let report = dump(&connect(&database), Vec::new(), &options, &Context::new()).await.unwrap();
        let mut fewer = expected;
        fewer.remove(&ObjectKind::Trigger);
        fewer.remove(&ObjectKind::Event);
        assert_eq!(report.objects, fewer);
    }
}
