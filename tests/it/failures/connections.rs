//! A failure on one of several connections of a restore ends what the others do.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use mysql_async::prelude::Queryable as _;
use snapdump::archive::Section;
use snapdump::{
    BackupName, Context, DumpOptions, Error, ErrorKind, JobState, ManagerOptions, ObjectName,
    RestoreOptions, RestoreRequest, TargetState, inspect, restore,
};

use super::forged::{forged, number_at};
use crate::backup::{assert_error, assert_no_session_left, dump_into, state};
use crate::compare::compare;
use crate::harness::{TestDatabase, TestServer, soon};
use crate::jobs::setup::{ended, manager_with};
use crate::roundtrip::{connect, scratch};

/// Longer than anything else in these tests takes.
const SLEEP: Duration = Duration::from_secs(100);

/// A first value that the server refuses.
const NOWHERE: &str = "(SELECT 1 FROM nowhere),";

/// A backup of two tables, each in several members.
struct Backup {
    _directory: tempfile::TempDir,
    path: PathBuf,
    /// Those that the connections share, in their order.
    members: Vec<Rows>,
}

/// A member of rows, by its first row.
struct Rows {
    table: String,
    /// What stands before the first value of the row.
    head: String,
    id: u32,
    /// Whether it has rows of no other table.
    alone: bool,
}

impl Backup {
    async fn make(server: &TestServer) -> Self {
        let source = server.database().await;
        for table in ["a", "b"] {
            source
                .run(&[
                    &format!(
                        "CREATE TABLE {table} (id INT PRIMARY KEY, n INT NOT NULL, \
                         x TEXT, UNIQUE KEY unique_n (n))"
                    ),
                    &format!(
                        "INSERT INTO {table} WITH RECURSIVE s AS (SELECT 1 AS id UNION ALL \
                         SELECT id + 1 FROM s WHERE id < 900) SELECT id, id, REPEAT('x', 9000) FROM s"
                    ),
                ])
                .await;
        }
        let mut conn = source.conn().await;
        let _: Vec<mysql_async::Row> = conn.query("ANALYZE TABLE a, b").await.unwrap();
        conn.disconnect().await.unwrap();
        let (directory, path) = scratch();
        let options = DumpOptions::default()
            .with_compression(snapdump::Compression::None)
            .with_connections(2)
            .with_chunk_bytes(1 << 20);
        dump_into(&source, &path, &options).await;

        let bytes = std::fs::read(&path).unwrap();
        let footer = inspect(&path).unwrap();
        let at = |offset: u64| usize::try_from(offset).unwrap();
        let of_rows = footer.index.members.iter().filter(|member| {
            member.section == Section::Tables && member.parts.iter().all(|part| !part.definition)
        });
        let members = of_rows.map(|member| {
            let text = &bytes[at(member.offset)..at(member.offset + member.length)];
            let text = String::from_utf8_lossy(text).into_owned();
            let insert = text.find("INSERT INTO").unwrap();
            let (head, row) = text[insert..].split_once("VALUES\n(").unwrap();
            Rows {
                table: head.split('`').nth(1).unwrap().to_owned(),
                head: format!("{head}VALUES\n("),
                id: row.split(',').next().unwrap().parse().unwrap(),
                alone: member.parts.len() == 1,
            }
        });
        let members: Vec<_> = members.collect();
        assert!(members.len() >= 4, "{} members", members.len());
        Self { _directory: directory, path, members }
    }

    /// Has the first row of a member be another one. Returns where its statement starts in the script.
    fn change(&self, member: usize, row: impl Fn(u32) -> (String, String)) -> usize {
        let Rows { head, id, .. } = &self.members[member];
        let (from, to) = row(*id);
        let file = forged(&self.path, &format!("{head}{from}"), &format!("{head}{to}"));
        std::fs::write(&self.path, &file).unwrap();
        memchr::memmem::find(&file, format!("{head}{to}").as_bytes()).unwrap()
    }

    /// Has the insertion of a member take for ever.
    fn put_to_sleep(&self, member: usize) {
        let seconds = SLEEP.as_secs();
        self.change(member, |id| (format!("{id},"), format!("{id}+SLEEP({seconds}),")));
    }

    /// The first member that has rows of this table only.
    fn first_of(&self, table: &str) -> usize {
        let found = self.members.iter().position(|member| member.alone && member.table == table);
        found.expect("large tables have members of their own")
    }
}

fn two_connections() -> RestoreOptions {
    RestoreOptions::default().with_connections(2)
}

/// Restores into an empty database, and returns what went wrong, long before the sleeper would be
/// awake.
async fn fail(backup: &Path, target: &TestDatabase, options: &RestoreOptions) -> Error {
    let since = Instant::now();
    let error = restore(&connect(target), backup, options, &Context::new()).await.unwrap_err();
    assert!(since.elapsed() < SLEEP / 2, "{}", error.chain());
    assert_no_session_left(target, soon()).await;
    error
}

on_each_server! {
    /// Whichever connection fails: the first one has the first member of rows, the other the second.
    async fn a_refused_statement_on_one_connection_stops_the_other(server: TestServer) {
        for (sleeps, fails) in [(0, 1), (1, 0)] {
            let backup = Backup::make(&server).await;
            backup.put_to_sleep(sleeps);
            // (A key that is there twice is no good: MariaDB collects the rows of an empty table, and
            // tells later, with another number.)
            let offset = backup.change(fails, |id| (format!("{id},"), NOWHERE.into()));
            let target = server.database().await;
            let error = fail(&backup.path, &target, &two_connections()).await;
            assert_error(&server, &error, ErrorKind::Server, &["1146", "nowhere"]);
            let place = error.location();
            let file = std::fs::read(&backup.path).unwrap();
            let number = number_at(&file, offset, server.is_mariadb());
            let line = file[..offset].split(|&byte| byte == b'\n').count();
            assert_eq!(place.statement, Some(number), "{error}");
            assert_eq!(place.line, Some(line as u64), "{error}");
            if backup.members[fails].alone {
                let table = place.object.as_ref().map(ObjectName::name);
                assert_eq!(table, Some(backup.members[fails].table.as_str()), "{error}");
            }
        }
    }

    /// An index that cannot be built after the rows is named with its table, and also stops whoever
    /// still inserts.
    async fn an_index_that_cannot_be_built_stops_the_other(server: TestServer) {
        let backup = Backup::make(&server).await;
        backup.put_to_sleep(backup.first_of("b"));
        // Twice the same number: nobody sees it before the unique key is there again.
        backup.change(backup.first_of("a"), |id| (format!("{id},{id},"), format!("{id},600,")));
        let options = two_connections().with_deferred_index_bytes(0);
        let target = server.database().await;
        let error = fail(&backup.path, &target, &options).await;
        assert_error(&server, &error, ErrorKind::Server, &["1062", "unique_n"]);
        let place = error.location();
        assert_eq!(place.object.as_ref().map(ObjectName::name), Some("a"), "{error}");
        // It is no statement of the script.
        assert_eq!((place.statement, place.line), (None, None), "{error}");
    }

    /// Under a manager, what was there before is there again, whichever of the two it was.
    async fn a_failure_on_one_connection_is_rolled_back(server: TestServer) {
        let database = server.database().await;
        database
            .run(&[
                "CREATE TABLE a (id INT PRIMARY KEY, old TEXT)",
                "INSERT INTO a VALUES (1, 'kept')",
                "CREATE VIEW c AS SELECT old FROM a",
            ])
            .await;
        let before = state(&database).await;
        for index in [false, true] {
            let backup = Backup::make(&server).await;
            backup.put_to_sleep(backup.first_of("b"));
            backup.change(backup.first_of("a"), |id| {
                let to = if index { format!("{id},600,") } else { NOWHERE.to_owned() };
                let from = if index { format!("{id},{id},") } else { format!("{id},") };
                (from, to)
            });
            let options = two_connections().with_deferred_index_bytes(0);
            let options = ManagerOptions::default().with_restore_options(options);
            let (directory, manager) = manager_with(&database, options).await;
            let name = "backup.sql";
            std::fs::copy(&backup.path, directory.path().join(name)).unwrap();
            let since = Instant::now();
            let request = RestoreRequest::new(name.parse::<BackupName>().unwrap());
            let status = ended(&manager.restore(request).await.unwrap()).await;
            assert!(since.elapsed() < SLEEP / 2, "{status:?}");
            assert_eq!(status.state, JobState::Failed);
            let word = if index { "unique_n" } else { "nowhere" };
            assert!(status.error.as_ref().unwrap().chain.contains(word), "{status:?}");
            assert_eq!(status.target, Some(TargetState::RolledBack), "{status:?}");
            let lines: Vec<_> =
                compare(&before, &state(&database).await).iter().map(ToString::to_string).collect();
            assert_eq!(lines, [""; 0]);
            drop(manager);
            assert_no_session_left(&database, soon()).await;
        }
    }
}
