//! Constraints that hold where the rows were written, and not where they are restored (`MySQL`; `MariaDB`
//! sets constraints aside during a restore).

use snapdump::{Context, RestoreOptions, inspect, restore};

use crate::backup::{dump_into, plain};
use crate::harness::TestServer;
use crate::roundtrip::{connect, scratch};

/// Tables with a constraint, and rows that it lets in, but a restore of all but the last one does not.
const TABLES: &[(&str, &str, &str)] = &[
    (
        "SET time_zone = '+05:30'",
        "CREATE TABLE hours (ts TIMESTAMP NOT NULL, CONSTRAINT c CHECK (HOUR(ts) BETWEEN 9 AND 17))",
        "INSERT INTO hours VALUES ('2020-01-01 09:00:00'), ('2020-01-01 16:00:00')",
    ),
    (
        "SET time_zone = '+05:30'",
        "CREATE TABLE moments (ts TIMESTAMP, CONSTRAINT c CHECK (ts >= '2020-01-01 00:00:00'))",
        "INSERT INTO moments VALUES ('2020-01-01 01:00:00'), (NULL), ('2020-02-01 00:00:00')",
    ),
    (
        "SET lc_time_names = 'de_DE'",
        "CREATE TABLE months (d DATE, CONSTRAINT c CHECK (MONTHNAME(d) = 'Mai' OR d > '2020-12-31'))",
        "INSERT INTO months VALUES ('2020-05-01'), ('2021-01-01')",
    ),
    (
        "SET sql_mode = 'NO_UNSIGNED_SUBTRACTION'",
        "CREATE TABLE below (a INT UNSIGNED, b INT UNSIGNED, CONSTRAINT c CHECK (a - b < 100))",
        "INSERT INTO below VALUES (1, 2), (2, 1)",
    ),
    (
        "SET sql_mode = 'PAD_CHAR_TO_FULL_LENGTH'",
        "CREATE TABLE padded (a CHAR(5), CONSTRAINT c CHECK (CHAR_LENGTH(a) = 5))",
        "INSERT INTO padded VALUES ('abcde'), ('a')",
    ),
    (
        "SET div_precision_increment = 9",
        "CREATE TABLE quotients (a INT, b INT, CONSTRAINT c CHECK (a / b <> 0.3333))",
        "INSERT INTO quotients VALUES (1, 3), (1, 2)",
    ),
    (
        "SET time_zone = '+05:30'",
        "CREATE TABLE good (ts TIMESTAMP, d DATE, CONSTRAINT c CHECK (YEAR(ts) = YEAR(d)), \
         CONSTRAINT n CHECK (HOUR(ts) > 100) NOT ENFORCED)",
        "INSERT INTO good VALUES ('2020-06-01 12:00:00', '2020-06-01'), (NULL, NULL)",
    ),
];

/// The dump says so, of each by name, and does not fail: all rows are in it.
#[tokio::test]
async fn a_constraint_that_a_restore_finds_broken_is_told() {
    let server = TestServer::mysql_9_7();
    for (place, (setting, create, insert)) in TABLES.iter().enumerate() {
        let source = server.database().await;
        source.run(&[setting, create, insert]).await;
        let (_directory, path) = scratch();
        dump_into(&source, &path, &plain()).await;
        let warnings = inspect(&path).unwrap().manifest.warnings;
        let target = server.database().await;
        let options = RestoreOptions::default();
        let restored = restore(&connect(&target), &path, &options, &Context::new()).await;
        if place + 1 == TABLES.len() {
            assert_eq!(warnings, [""; 0]);
            restored.unwrap();
            continue;
        }
        let [warning] = &warnings[..] else { panic!("{create}: {warnings:?}") };
        // What the server cannot compute in a restore, it cannot compute for the dump either.
        let says = [
            "the constraint `c` does not hold for 1 rows under the settings of a restore",
            "takes the constraint `c` as it is could not be seen",
        ];
        assert!(says.into_iter().any(|says| warning.contains(says)), "{warning}");
        let error = restored.unwrap_err().chain();
        assert!(error.contains("Check constraint 'c' is violated"), "{error}");
    }
}
