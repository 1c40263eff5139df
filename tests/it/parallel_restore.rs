//! Several connections create tables that name one another.

use snapdump::{Context, DumpOptions, RestoreOptions, inspect, restore};

use crate::backup::{Cleanup, dump_into, restore_with, state};
use crate::compare::compare;
use crate::roundtrip::{connect, scratch};

const TABLES: usize = 100;

/// Tables with rows of a few kilobytes, each with foreign keys to two others and to itself, and some
/// that are views of MyISAM tables.
fn web_of_tables() -> Vec<String> {
    let mut statements = vec!["SET foreign_key_checks = 0".to_owned()];
    for number in 0..TABLES {
        let (next, far) = ((number + 1) % TABLES, (number * 7 + 3) % TABLES);
        statements.push(format!(
            "CREATE TABLE t{number} (id INT PRIMARY KEY, near INT, far INT, up INT, words TEXT, \
             FOREIGN KEY (near) REFERENCES t{next} (id), \
             FOREIGN KEY (far) REFERENCES t{far} (id) ON DELETE CASCADE, \
             FOREIGN KEY (up) REFERENCES t{number} (id))"
        ));
        let rows: Vec<_> =
            (0..10).map(|id| format!("({id},{id},{id},9,REPEAT('{id}',600))")).collect();
        statements.push(format!("INSERT INTO t{number} VALUES {}", rows.join(",")));
        if number % 20 == 0 {
            let columns = "(id INT NOT NULL, KEY (id))";
            statements.push(format!("CREATE TABLE a{number} {columns} ENGINE=MyISAM"));
            statements.push(format!("CREATE TABLE z{number} {columns} ENGINE=MyISAM"));
            statements.push(format!("INSERT INTO z{number} VALUES (1), (2)"));
            statements.push(format!(
                "CREATE TABLE m{number} {columns} ENGINE=MERGE UNION=(a{number}, z{number})"
            ));
        }
    }
    statements
}

on_each_server! {
    /// In whatever order their turn comes; also where tables of these names are there already.
    async fn tables_that_name_one_another(server: TestServer) {
        let source = server.database().await;
        let statements = web_of_tables();
        source.run(&statements.iter().map(String::as_str).collect::<Vec<_>>()).await;
        let wanted = state(&source).await;
        let (directory, path) = scratch();
        dump_into(&source, &path, &DumpOptions::default().with_connections(2)).await;
        let index = inspect(&path).unwrap().index;
        let creating =
            index.members.iter().filter(|member| member.parts.iter().any(|part| part.definition));
        assert!(creating.count() >= 4);

        let target = server.database().await;
        let options = RestoreOptions::default()
            .with_connections(4)
            .with_restore_point_directory(directory.path());
        for round in 0..2 {
            restore_with(&target, &path, &options).await;
            let differences: Vec<_> = compare(&wanted, &state(&target).await)
                .iter()
                .map(ToString::to_string)
                .collect();
            assert_eq!(differences, [""; 0], "round {round}");
        }
    }

    /// Where the account may have no more connections, those that it has do all.
    async fn fewer_connections_than_wanted(server: TestServer) {
        let source = server.database().await;
        let statements = web_of_tables();
        source.run(&statements.iter().map(String::as_str).collect::<Vec<_>>()).await;
        let wanted = state(&source).await;
        let (_directory, path) = scratch();
        dump_into(&source, &path, &DumpOptions::default()).await;
        for limit in [1, 2] {
            let target = server.database().await;
            let account = format!("'{}'@'%'", target.name);
            let _gone = Cleanup::new(&server, vec![format!("DROP USER IF EXISTS {account}")]);
            target
                .run(&[
                    &format!(
                        "CREATE USER {account} IDENTIFIED BY 'pass word' \
                         WITH MAX_USER_CONNECTIONS {limit}"
                    ),
                    &format!("GRANT ALL ON {}.* TO {account}", target.name),
                ])
                .await;
            let to = connect(&target).with_user(&target.name).with_password("pass word");
            let options = RestoreOptions::default().with_connections(4);
            restore(&to, &path, &options, &Context::new())
                .await
                .unwrap_or_else(|error| panic!("{}: {}", server.name, error.chain()));
            let differences: Vec<_> = compare(&wanted, &state(&target).await)
                .iter()
                .map(ToString::to_string)
                .collect();
            assert_eq!(differences, [""; 0], "{limit} connections");
        }
    }
}
