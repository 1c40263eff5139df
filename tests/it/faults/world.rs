//! What faults are tried on: a backup, and a target that it is restored over.

use std::path::PathBuf;
use std::time::Duration;

use futures::future::join_all;
use snapdump::{ConnectOptions, DumpOptions, RestoreOptions};

use crate::backup::{dump_into, restore_with, state};
use crate::compare::{Description, compare};
use crate::harness::{TestDatabase, TestServer, soon};
use crate::roundtrip::connect;

/// How long an operation may take to notice and report a fault, with the timeouts of
/// [`impatient`] options. Much more than it takes; without a bound it would be hours.
pub(crate) const BOUND: Duration = Duration::from_secs(120);
/// How long the server may take to end what is left of a connection.
pub(super) const SESSIONS_END: Duration = Duration::from_secs(60);

/// Timeouts that tests can wait for.
pub(crate) fn impatient(options: &ConnectOptions) -> ConnectOptions {
    options
        .clone()
        .with_connect_timeout(Duration::from_secs(3).max(2 * soon()))
        .with_read_timeout(Duration::from_millis(250))
}

/// A backup, a target that holds something else, and a directory for restore points.
pub(crate) struct World {
    pub(crate) server: TestServer,
    /// What the backup was made of.
    pub(crate) source: TestDatabase,
    /// Where restores go.
    pub(crate) target: TestDatabase,
    /// What the target is now, and what a whole restore makes of it.
    before: Description,
    after: Description,
    /// The backup is in it, and nothing else.
    backups: tempfile::TempDir,
    /// Where restore points and new dumps go.
    pub(crate) directory: tempfile::TempDir,
    /// Dropped with the rest: see [`try_all`].
    _restored: TestDatabase,
}

/// What a target has become.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum End {
    Before,
    /// Between before and after.
    Between,
    After,
}

/// How many cases are tried side by side: most of the time of each is waiting.
const LANES: usize = 4;

/// Tries cases in a few worlds of a server at once; each has its world for itself.
pub(super) async fn try_all<C>(
    server: &TestServer,
    rows: u32,
    cases: Vec<C>,
    attempt: impl AsyncFn(&World, C),
) {
    let lanes = cases.len().min(LANES);
    let cases = std::cell::RefCell::new(cases.into_iter());
    let next = || cases.borrow_mut().next();
    let lane = async || {
        let world = World::make(server, rows).await;
        while let Some(case) = next() {
            attempt(&world, case).await;
        }
        world
    };
    // Dropping a database stops this thread, and may wait for a lock that a dump of another lane
    // holds, which could not go on then: all worlds live as long as there is a lane.
    drop(join_all((0..lanes).map(|_| lane())).await);
}

impl World {
    /// The backup has `rows` rows of a kilobyte each.
    pub(crate) async fn make(server: &TestServer, rows: u32) -> Self {
        let source = server.database().await;
        make_new(&source, rows).await;
        let (backups, directory) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let target = server.database().await;
        make_old(&target).await;
        let before = state(&target).await;
        let backup = backups.path().join("backup.sql.gz");
        dump_into(&source, &backup, &DumpOptions::default()).await;

        let restored = server.database().await;
        make_old(&restored).await;
        let points = tempfile::tempdir().unwrap();
        let options = RestoreOptions::default().with_restore_point_directory(points.path());
        restore_with(&restored, &backup, &options).await;
        let after = state(&restored).await;
        assert!(!compare(&before, &after).is_empty());
        let server = server.clone();
        Self { server, source, target, before, after, backups, directory, _restored: restored }
    }

    pub(crate) fn backup(&self) -> PathBuf {
        self.backups.path().join("backup.sql.gz")
    }

    /// How to reach the source, impatiently.
    pub(crate) fn from(&self) -> ConnectOptions {
        impatient(&connect(&self.source))
    }

    /// How to reach the target, impatiently.
    pub(crate) fn to(&self) -> ConnectOptions {
        impatient(&connect(&self.target))
    }

    pub(crate) fn restore_options(&self) -> RestoreOptions {
        RestoreOptions::default().with_restore_point_directory(self.directory.path())
    }

    /// What the target is now.
    pub(crate) async fn end(&self) -> End {
        let now = state(&self.target).await;
        if compare(&self.before, &now).is_empty() {
            End::Before
        } else if compare(&self.after, &now).is_empty() {
            End::After
        } else {
            End::Between
        }
    }

    /// What of the target is not as before.
    pub(super) async fn differences(&self) -> Vec<String> {
        compare(&self.before, &state(&self.target).await).iter().map(ToString::to_string).collect()
    }
}

/// What only [`make_new`] makes.
pub(super) const DROP_NEW: [&str; 4] = [
    "DROP VIEW IF EXISTS words",
    "DROP PROCEDURE IF EXISTS count_items",
    "DROP EVENT IF EXISTS tidy",
    "DROP TABLE IF EXISTS only_new",
];

/// The contents of the backup.
pub(crate) async fn make_new(database: &TestDatabase, rows: u32) {
    let fill = format!(
        "INSERT INTO items (word, data) SELECT CONCAT('new ', a.n * 100 + b.n), REPEAT(SHA2(RAND(), 256), 15) \
         FROM digits a, digits b WHERE a.n * 100 + b.n < {rows}"
    );
    let numbers = (0..100).map(|number| format!("({number})")).collect::<Vec<_>>().join(",");
    database
        .run(&[
            "CREATE TABLE items (id INT AUTO_INCREMENT PRIMARY KEY, word VARCHAR(40), \
             data TEXT, KEY (word))",
            "CREATE TABLE digits (n INT PRIMARY KEY)",
            &format!("INSERT INTO digits VALUES {numbers}"),
            &fill,
            "DROP TABLE digits",
            "CREATE TABLE only_new (id INT PRIMARY KEY, item INT, \
             FOREIGN KEY (item) REFERENCES items (id))",
            "INSERT INTO only_new SELECT id, id FROM items WHERE id < 20",
            "CREATE VIEW words AS SELECT word FROM items WHERE id < 10",
            "CREATE TRIGGER on_items BEFORE UPDATE ON items FOR EACH ROW SET NEW.word = 'changed'",
            "CREATE PROCEDURE count_items() SELECT COUNT(*) FROM items",
            "CREATE EVENT tidy ON SCHEDULE EVERY 1 DAY DISABLE DO DELETE FROM only_new",
        ])
        .await;
}

/// The contents of a target before a restore.
pub(crate) async fn make_old(database: &TestDatabase) {
    database
        .run(&[
            "CREATE TABLE items (id INT AUTO_INCREMENT PRIMARY KEY, word VARCHAR(40), \
             data TEXT)",
            "INSERT INTO items (word) VALUES ('old'), ('older'), ('oldest')",
            "CREATE TABLE only_before (id INT PRIMARY KEY)",
            "INSERT INTO only_before VALUES (1), (2)",
            "CREATE VIEW ages AS SELECT word AS age FROM items",
        ])
        .await;
}
