//! The comparer itself: damage is planted in a database, one piece after the other, and each must
//! be reported for the object that it is in, and for no other.

mod damage;

use damage::{Damage, FIXTURE, MARIADB_FIXTURE, MYSQL_FIXTURE, PROGRAMS, TABLES, VALUES};

use crate::compare::{Description, compare, describe};
use crate::harness::{Flavor, TestDatabase, TestServer};

async fn read(database: &TestDatabase) -> Description {
    let mut conn = database.conn().await;
    let description = describe(&mut conn, &database.name).await.unwrap();
    conn.disconnect().await.unwrap();
    description
}

async fn fixture(server: &TestServer) -> TestDatabase {
    let database = server.database_with("CHARACTER SET latin1 COLLATE latin1_swedish_ci").await;
    database.run(FIXTURE).await;
    let more = match server.flavor {
        Flavor::MariaDb => MARIADB_FIXTURE,
        Flavor::MySql => MYSQL_FIXTURE,
    };
    database.run(more).await;
    database
}

/// Does each piece of damage, and returns what is wrong with the reports.
async fn plant(server: &TestServer, all: &[Damage]) {
    let database = fixture(server).await;
    let mut before = read(&database).await;
    let mut problems = Vec::new();
    for damage in all {
        if damage.flavor.is_some_and(|flavor| flavor != server.flavor) {
            continue;
        }
        let session = &["SET sql_mode = '', time_zone = '+00:00'"];
        database.run(&[session, damage.statements].concat()).await;
        let after = read(&database).await;
        let lines: Vec<String> = compare(&before, &after).iter().map(ToString::to_string).collect();
        let begins = |line: &str, start: &&str| line.starts_with(*start);
        let missing =
            damage.reported.iter().filter(|start| !lines.iter().any(|line| begins(line, start)));
        problems.extend(missing.map(|start| format!("{:?}: no {start}", damage.statements)));
        let known = [damage.reported, damage.maybe].concat();
        let stray = lines.iter().filter(|line| !known.iter().any(|start| begins(line, start)));
        problems.extend(stray.map(|line| format!("{:?}: stray {line}", damage.statements)));
        before = after;
    }
    assert!(problems.is_empty(), "{}:\n{}", server.name, problems.join("\n"));
}

on_each_server! {
    /// Two databases that were made alike are alike, whatever their names are.
    async fn equal_databases_are_equal(server: TestServer) {
        let (one, two) = (fixture(&server).await, fixture(&server).await);
        let (mut one, two) = (read(&one).await, read(&two).await);
        if let Some(history) = one.tables.get_mut("history") {
            // The time at which its rows were written.
            history.versions = two.tables["history"].versions;
        }
        assert_eq!(compare(&one, &two), []);
    }

    async fn damaged_values_are_reported(server: TestServer) {
        plant(&server, VALUES).await;
    }

    async fn damaged_tables_are_reported(server: TestServer) {
        plant(&server, TABLES).await;
    }

    async fn damaged_programs_are_reported(server: TestServer) {
        plant(&server, PROGRAMS).await;
    }

    /// A database that is not there is an error, not an empty description.
    async fn a_missing_database_is_an_error(server: TestServer) {
        let mut conn = server.conn().await;
        assert!(describe(&mut conn, "sd_nothing").await.is_err());
    }
}
