//! Several databases in one file, all databases, and names that need quotes.

use std::collections::BTreeSet;
use std::path::Path;

use mysql_async::prelude::Queryable as _;
use snapdump::{
    Compression, ConnectOptions, Context, Databases, DumpOptions, DumpReport, ErrorKind,
    RestoreOptions, dump_to_path, inspect, restore,
};

use crate::backup::{Cleanup, assert_error, files_in};
use crate::compare::{Description, compare, describe, quote_name, quote_text};
use crate::harness::{TestServer, run};
use crate::roundtrip::{gunzip, scratch};

/// What databases and objects are called, behind a prefix of the test's own.
const NAMES: [&str; 8] =
    [" sp ace", ".d.ot", "`tick``", "\"quote\"", "%per_cent", "ünï✓ж", "'apos", "-- ; #x /*!y*/"];

/// Some databases that refer to one another in a circle, gone when this value is.
struct Group {
    server: TestServer,
    names: Vec<String>,
    _gone: Cleanup,
}

impl Group {
    /// Databases with these names behind a prefix of their own.
    async fn make(server: &TestServer, names: &[&str]) -> Self {
        let group = Self::name(server, names).await;
        group.fill().await;
        group
    }

    /// The names of databases that are still to be made.
    async fn name(server: &TestServer, names: &[&str]) -> Self {
        // The name of a database that exists as long as this one does not is nobody else's.
        let prefix = {
            let database = server.database().await;
            database.name.replace("sd_", "sg_")
        };
        let names: Vec<_> = names.iter().map(|name| format!("{prefix}{name}")).collect();
        let drop = names.iter().map(|name| format!("DROP DATABASE IF EXISTS {}", quote_name(name)));
        // Foreign keys across databases forbid to drop them one by one.
        let drop = std::iter::once("SET foreign_key_checks = 0".to_owned()).chain(drop).collect();
        Self { server: server.clone(), names, _gone: Cleanup::new(server, drop) }
    }

    async fn run(&self, statements: &[String]) {
        let mut conn = self.server.conn().await;
        for statement in statements {
            if let Err(error) = conn.query_drop(statement).await {
                panic!("{}: {error}: {statement}", self.server.name);
            }
        }
        conn.disconnect().await.unwrap();
    }

    /// In each database a table, a child of the next one's table, views over its own and the next
    /// one's, triggers that write into the next one, a function and an event.
    async fn fill(&self) {
        let mut statements = vec!["SET foreign_key_checks = 0".to_owned()];
        for (number, name) in self.names.iter().enumerate() {
            let (charset, collation) = [
                ("latin1", "latin1_german2_ci"),
                ("utf8mb4", "utf8mb4_bin"),
                ("utf8mb4", "utf8mb4_general_ci"),
            ][number % 3];
            statements.push(format!(
                "CREATE DATABASE {} CHARACTER SET {charset} COLLATE {collation}",
                quote_name(name)
            ));
        }
        for (number, name) in self.names.iter().enumerate() {
            let own = quote_name(name);
            let next = quote_name(&self.names[(number + 1) % self.names.len()]);
            // The same names in the tables, so that they come in every combination.
            let odd = quote_name(NAMES[number % NAMES.len()].trim_start());
            statements.extend([
                format!("USE {own}"),
                "CREATE TABLE parent (id INT PRIMARY KEY, word VARCHAR(30))".to_owned(),
                "CREATE TABLE log (line TEXT)".to_owned(),
                format!(
                    "CREATE TABLE {odd} ({odd} INT PRIMARY KEY, up INT, CONSTRAINT {odd} \
                     FOREIGN KEY (up) REFERENCES {next}.parent (id) ON DELETE CASCADE)"
                ),
                "INSERT INTO parent VALUES (1, 'grün'), (2, NULL), (3, 'x')".to_owned(),
                format!("INSERT INTO {odd} VALUES (10, 1), (20, 3), (30, NULL)"),
            ]);
        }
        // The last one's view is over a table, the others' over views.
        for (number, name) in self.names.iter().enumerate().rev() {
            let own = quote_name(name);
            let next = quote_name(&self.names[(number + 1) % self.names.len()]);
            let odd = quote_name(NAMES[number % NAMES.len()].trim_start());
            let below = if number + 1 == self.names.len() {
                format!("{next}.parent")
            } else {
                format!("{next}.`chain view`")
            };
            statements.extend([
                format!("USE {own}"),
                format!(
                    "CREATE VIEW `chain view` AS SELECT b.id, b.word FROM {below} AS b \
                     JOIN parent AS p ON p.id = b.id"
                ),
                format!("CREATE VIEW `odd {number}` AS SELECT * FROM {own}.{odd}"),
                format!(
                    "CREATE TRIGGER `t{number}` AFTER INSERT ON parent FOR EACH ROW \
                     INSERT INTO {next}.log VALUES (CONCAT('from {number}: ', NEW.id))"
                ),
                format!(
                    "CREATE FUNCTION counted() RETURNS INT READS SQL DATA \
                     RETURN (SELECT COUNT(*) FROM {next}.`chain view`)"
                ),
                format!(
                    "CREATE EVENT {odd} ON SCHEDULE EVERY 1 DAY DISABLE DO DELETE FROM {next}.log"
                ),
            ]);
        }
        // The triggers have done something before the dump, which they must not do again.
        for name in &self.names {
            statements.push(format!("INSERT INTO {}.parent VALUES (4, 'four')", quote_name(name)));
        }
        self.run(&statements).await;
    }

    async fn describe(&self) -> Vec<Description> {
        let mut conn = self.server.conn().await;
        let mut all = Vec::new();
        for name in &self.names {
            all.push(describe(&mut conn, name).await.unwrap());
        }
        conn.disconnect().await.unwrap();
        all
    }

    async fn drop_databases(&self) {
        let drop = self.names.iter().map(|name| format!("DROP DATABASE {}", quote_name(name)));
        let mut statements = vec!["SET foreign_key_checks = 0".to_owned()];
        statements.extend(drop);
        self.run(&statements).await;
    }

    async fn assert_same_as(&self, before: &[Description]) {
        let after = self.describe().await;
        for (before, after) in before.iter().zip(&after) {
            let lines: Vec<_> = compare(before, after).iter().map(ToString::to_string).collect();
            assert_eq!(lines, [""; 0], "{}: {}", self.server.name, before.database);
            assert!(before.rows() > 6);
        }
    }

    /// Feeds a script to the stock client, without a database selected.
    async fn stock_client(&self, script: &[u8]) {
        let output = run(self.server.client(), script).await;
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{}: {stderr}", self.server.name);
    }
}

/// Options that reach a server without a database.
fn connect(server: &TestServer) -> ConnectOptions {
    ConnectOptions::from_url(&server.url).unwrap()
}

fn named(names: &[String]) -> DumpOptions {
    DumpOptions::default().with_databases(Databases::Named(names.to_vec()))
}

/// A dump while other tests alter tables. Where nothing tells whether one of the dump's own was meant,
/// it fails, to be run again: InnoDB's number of a table is not found by a name beyond ASCII.
async fn dump_undisturbed(server: &TestServer, path: &Path, options: &DumpOptions) -> DumpReport {
    let mut attempts = 0;
    loop {
        match dump_to_path(&connect(server), path, options, &Context::new()).await {
            Ok(report) => return report,
            Err(error) if error.kind() == ErrorKind::Changed && attempts < 20 => attempts += 1,
            Err(error) => panic!("{}", error.chain()),
        }
    }
}

on_each_server! {
    /// F7, F9: The databases are made anew, each as it was, whatever they are called.
    async fn databases_that_need_one_another_come_back_as_they_were(server: TestServer) {
        let group = Group::make(&server, &NAMES).await;
        let before = group.describe().await;
        let context = Context::new();
        for (compression, stock) in [(Compression::None, false), (Compression::default(), true)] {
            let (_directory, path) = scratch();
            let options = named(&group.names).with_compression(compression);
            let report = dump_undisturbed(&server, &path, &options).await;
            assert_eq!(report.warnings, [""; 0]);
            group.drop_databases().await;
            if stock {
                group.stock_client(&gunzip(&path)).await;
            } else {
                let options = RestoreOptions::default();
                let report = restore(&connect(&server), &path, &options, &context).await;
                let report = report.unwrap_or_else(|error| panic!("{}", error.chain()));
                assert!(report.compared && report.restore_point.is_none());
            }
            group.assert_same_as(&before).await;
        }
    }

    /// Names that differ only by the case of their letters are those of different databases (manual,
    /// Identifier Case Sensitivity), though much of the catalogue compares them without it.
    async fn names_that_differ_by_case(server: TestServer) {
        let group = Group::name(&server, &["case", "Case", "CASE"]).await;
        let mut statements = Vec::new();
        for (number, name) in group.names.iter().enumerate() {
            statements.extend([
                format!("CREATE DATABASE {}", quote_name(name)),
                format!("USE {}", quote_name(name)),
                "CREATE TABLE parent (id INT PRIMARY KEY, word TEXT)".to_owned(),
                "INSERT INTO parent VALUES (1, 'a'), (2, 'b'), (3, 'c'), (4, 'd')".to_owned(),
                "CREATE TABLE log (id INT, word TEXT, KEY (id))".to_owned(),
                "INSERT INTO log VALUES (1, 'a'), (2, 'b'), (3, 'c')".to_owned(),
                format!("CREATE VIEW seen AS SELECT id + {number} AS id FROM parent"),
                format!("CREATE TRIGGER t{number} BEFORE INSERT ON parent FOR EACH ROW SET @a = 1"),
                "SET NAMES latin1, sql_mode = 'NO_BACKSLASH_ESCAPES'".to_owned(),
                format!("CREATE PROCEDURE p() COMMENT 'a {number}\\' SELECT {number}"),
                "SET NAMES utf8mb4, sql_mode = DEFAULT".to_owned(),
                format!("CREATE PROCEDURE only{number}() COMMENT 'a' SELECT {number}"),
                format!("CREATE FUNCTION f(a INT) RETURNS INT DETERMINISTIC RETURN a + {number}"),
                format!("CREATE EVENT own{number} ON SCHEDULE EVERY {} DAY DO DO 1", number + 1),
                "CREATE TABLE Parent (id INT PRIMARY KEY, own TEXT)".to_owned(),
                format!("INSERT INTO Parent VALUES ({number}, 'own')"),
                format!("CREATE TRIGGER u{number} BEFORE INSERT ON Parent FOR EACH ROW SET @a = 1"),
                format!("CREATE TABLE p (id INT) PARTITION BY HASH (id) PARTITIONS {}", number + 2),
            ]);
            if server.is_mariadb() {
                statements.extend([
                    format!("CREATE SEQUENCE s START WITH {}", number + 10),
                    format!("CREATE TRIGGER own BEFORE INSERT ON log FOR EACH ROW SET @a = {number}"),
                    "CREATE TRIGGER OWN AFTER INSERT ON log FOR EACH ROW SET @b = 1".to_owned(),
                ]);
            }
        }
        group.run(&statements).await;
        let before = group.describe().await;
        let context = Context::new();
        let (directory, path) = scratch();
        // Each on its own, over a copy of itself.
        for name in &group.names {
            let path = directory.path().join(format!("{name}.sql.gz"));
            let own = connect(&server).with_database(name);
            let options = DumpOptions::default();
            let dumped = dump_to_path(&own, &path, &options, &context).await;
            let report = dumped.unwrap_or_else(|error| panic!("{}", error.chain()));
            assert_eq!(report.warnings, [""; 0]);
            let options = RestoreOptions::default().with_restore_point_directory(directory.path());
            let restored = restore(&own, &path, &options, &context).await;
            restored.unwrap_or_else(|error| panic!("{}", error.chain()));
            group.assert_same_as(&before).await;
        }
        // And all of them in one file.
        dump_undisturbed(&server, &path, &named(&group.names)).await;
        group.drop_databases().await;
        restore(&connect(&server), &path, &RestoreOptions::default(), &context)
            .await
            .unwrap_or_else(|error| panic!("{}", error.chain()));
        group.assert_same_as(&before).await;
    }

    /// S4: A line break in a name must not end a line of the script, or start a command.
    async fn line_breaks_in_names_do_no_harm(server: TestServer) {
        let group =
            Group::make(&server, &["\nDROP DATABASE x; --\n.", "\\back\\slash", "\r\t\u{85}\r."]).await;
        group
            .run(&[
                format!("USE {}", quote_name(&group.names[0])),
                "CREATE TABLE `line\nDELIMITER x\n\\! touch /tmp/x\n.` (`a\n\\` INT)".to_owned(),
                "INSERT INTO `line\nDELIMITER x\n\\! touch /tmp/x\n.` VALUES (1), (2)".to_owned(),
                "CREATE VIEW `v\n-- x` AS SELECT * FROM `line\nDELIMITER x\n\\! touch /tmp/x\n.`"
                    .to_owned(),
                "CREATE PROCEDURE `p\n;;\n`() SELECT 1".to_owned(),
            ])
            .await;
        let before = group.describe().await;
        let context = Context::new();
        let (_directory, path) = scratch();
        let options = named(&group.names);
        dump_to_path(&connect(&server), &path, &options, &context).await.unwrap();
        group.drop_databases().await;
        restore(&connect(&server), &path, &RestoreOptions::default(), &context)
            .await
            .unwrap_or_else(|error| panic!("{}", error.chain()));
        group.assert_same_as(&before).await;

        group.drop_databases().await;
        group.stock_client(&gunzip(&path)).await;
        group.assert_same_as(&before).await;
    }

    /// Over databases that are there, a restore point is taken that brings them back.
    async fn a_restore_over_several_databases_can_be_taken_back(server: TestServer) {
        let group = Group::make(&server, &["a", "b"]).await;
        let before = group.describe().await;
        let context = Context::new();
        let (directory, path) = scratch();
        dump_to_path(&connect(&server), &path, &named(&group.names), &context).await.unwrap();
        let change: Vec<_> = group
            .names
            .iter()
            .map(|name| format!("UPDATE {}.parent SET word = 'later'", quote_name(name)))
            .collect();
        group.run(&change).await;
        let changed = group.describe().await;

        let options = RestoreOptions::default();
        let error =
            restore(&connect(&server), &path, &options, &context).await.unwrap_err();
        assert_error(&server, &error, ErrorKind::RestorePoint, &[&group.names[0], &group.names[1]]);
        group.assert_same_as(&changed).await;

        let points = directory.path().join("points");
        std::fs::create_dir(&points).unwrap();
        let options = options.with_restore_point_directory(&points);
        let report = restore(&connect(&server), &path, &options, &context).await.unwrap();
        group.assert_same_as(&before).await;

        let point = report.restore_point.unwrap();
        assert_eq!(files_in(&points).len(), 1);
        group.drop_databases().await;
        restore(&connect(&server), &point, &options, &context).await.unwrap();
        group.assert_same_as(&changed).await;
    }

    /// An account sees only its own databases, so this is not disturbed by those of other tests.
    async fn all_databases_are_those_that_are_not_the_servers_own(server: TestServer) {
        let group = Group::make(&server, &["one", "tw`o"]).await;
        let user = group.names[0].clone();
        let account = format!("'{user}'@'%'");
        let _gone = Cleanup::new(&server, vec![format!("DROP USER IF EXISTS {account}")]);
        let mut grants = vec![
            format!("CREATE USER {account} IDENTIFIED BY 'pass word'"),
            format!("GRANT SELECT ON mysql.* TO {account}"),
            format!("GRANT SELECT ON sys.* TO {account}"),
        ];
        for name in &group.names {
            let pattern = name.replace('_', "\\_").replace('%', "\\%");
            grants.push(format!("GRANT ALL ON {}.* TO {account}", quote_name(&pattern)));
        }
        // Or it could not read the routines, which are somebody else's.
        grants.push(if server.is_mariadb() {
            format!("GRANT SELECT ON mysql.proc TO {account}")
        } else {
            format!("GRANT SHOW_ROUTINE ON *.* TO {account}")
        });
        group.run(&grants).await;
        let limited = connect(&server).with_user(&user).with_password("pass word");
        let context = Context::new();
        let mut visible: Vec<String> = {
            let mut conn = mysql_async::Conn::new(
                mysql_async::OptsBuilder::default()
                    .ip_or_hostname(limited.host())
                    .tcp_port(limited.port())
                    .user(Some(&user))
                    .pass(Some("pass word"))
                    .prefer_socket(false),
            )
            .await
            .unwrap();
            let all = conn.query("SHOW DATABASES").await.unwrap();
            conn.disconnect().await.unwrap();
            all
        };
        for system in ["information_schema", "mysql", "sys"] {
            assert!(visible.iter().any(|name| name == system), "{visible:?}");
        }
        visible.retain(|name| name.starts_with("sg_"));
        assert_eq!(visible.len(), 2);

        let (_directory, path) = scratch();
        let options = DumpOptions::default().with_databases(Databases::All);
        // There could be others that it does not see.
        let error = dump_to_path(&limited, &path, &options, &context).await.unwrap_err();
        assert_error(&server, &error, ErrorKind::Privilege, &["GRANT SHOW DATABASES ON *.*"]);
        let report = dump_to_path(&limited, &path, &options.with_partial(true), &context)
            .await
            .unwrap_or_else(|error| panic!("{}", error.chain()));
        assert!(report.warnings.iter().any(|one| one.contains("SHOW DATABASES")), "{report:?}");
        let manifest = inspect(&path).unwrap().manifest;
        let found: BTreeSet<_> =
            manifest.databases.iter().map(|database| database.name.clone()).collect();
        assert_eq!(found, group.names.iter().cloned().collect());
        assert!(manifest.names_databases);

        let before = group.describe().await;
        group.drop_databases().await;
        restore(&connect(&server), &path, &RestoreOptions::default(), &context).await.unwrap();
        group.assert_same_as(&before).await;
    }

    /// The same database twice is one; one that is not there, and none at all, are mistakes.
    async fn the_list_of_databases_is_checked(server: TestServer) {
        let group = Group::make(&server, &["one"]).await;
        let context = Context::new();
        let (directory, path) = scratch();
        let twice = named(&[group.names[0].clone(), group.names[0].clone()]);
        dump_to_path(&connect(&server), &path, &twice, &context).await.unwrap();
        assert_eq!(inspect(&path).unwrap().manifest.databases.len(), 1);
        std::fs::remove_file(&path).unwrap();

        let missing = format!("{} is not there", group.names[0]);
        for (options, word) in [
            (named(&[group.names[0].clone(), missing.clone()]), missing.as_str()),
            (named(&[]), "empty"),
            (named(&[String::new()]), "no database ''"),
            (DumpOptions::default(), "no database to dump"),
        ] {
            let error =
                dump_to_path(&connect(&server), &path, &options, &context).await.unwrap_err();
            assert_error(&server, &error, ErrorKind::Config, &[word]);
            assert_eq!(files_in(directory.path()), [""; 0]);
        }
        let text = quote_text(&missing);
        let mut conn = server.conn().await;
        let there: Option<i64> = conn
            .query_first(format!(
                "SELECT 1 FROM information_schema.SCHEMATA WHERE SCHEMA_NAME = {text}"
            ))
            .await
            .unwrap();
        assert_eq!(there, None);
        conn.disconnect().await.unwrap();
    }
}
