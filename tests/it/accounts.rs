//! Accounts, roles and grants by option: the same after a restore, and never without leave.
//!
//! Accounts belong to the whole server, so each test has a server of its own.

use std::collections::BTreeMap;

use mysql_async::Conn;
use mysql_async::prelude::Queryable as _;
use snapdump::archive::Section;
use snapdump::{
    ConnectOptions, Context, Databases, DumpOptions, ErrorKind, RestoreOptions, dump, dump_to_path,
    inspect, restore,
};

use crate::faults::private::PrivateServer;
use crate::harness::TestServer;

/// What the server prints of every account but root's, by account.
async fn accounts(conn: &mut Conn, mariadb: bool) -> BTreeMap<String, Vec<String>> {
    let role = if mariadb { "is_role = 'Y'" } else { "FALSE" };
    let list: Vec<(String, String, bool)> = conn
        .query(format!("SELECT User, Host, {role} FROM mysql.user WHERE User NOT LIKE 'm%.%'"))
        .await
        .unwrap();
    let mut all = BTreeMap::new();
    for (user, host, role) in list {
        let name = match (role, user.as_str()) {
            (true, "PUBLIC") => "PUBLIC".to_owned(),
            (true, _) => format!("`{user}`"),
            (false, _) => format!("`{}`@`{host}`", user.replace('`', "``")),
        };
        let mut lines: Vec<String> = conn.query(format!("SHOW GRANTS FOR {name}")).await.unwrap();
        lines.sort();
        if !role {
            let create: Vec<String> = conn.query(format!("SHOW CREATE USER {name}")).await.unwrap();
            lines.extend(create);
        }
        all.insert(name, lines);
    }
    all
}

/// Accounts of each kind: passwords, limits, TLS, comments, locked and expired ones, roles in roles,
/// default roles, grants on every level, to be taken away in part, and what a quote does.
fn of_every_kind(mariadb: bool) -> Vec<&'static str> {
    let mut sql = vec![
        "CREATE DATABASE shop",
        "CREATE DATABASE other",
        "CREATE TABLE shop.t (a INT, `b ON c` INT)",
        "CREATE TABLE other.secret (a INT)",
        "CREATE PROCEDURE shop.p() SELECT 1",
        "CREATE FUNCTION shop.f() RETURNS INT DETERMINISTIC RETURN 1",
        "CREATE VIEW shop.v AS SELECT a FROM shop.t",
        "CREATE USER plain@'%' IDENTIFIED BY 'p''\"w'",
        "CREATE USER limited@localhost IDENTIFIED BY 'x' REQUIRE SSL WITH MAX_QUERIES_PER_HOUR 5",
        "CREATE USER locked@'10.%' IDENTIFIED BY 'y' ACCOUNT LOCK",
        "CREATE USER expired@'%' IDENTIFIED BY 'z' PASSWORD EXPIRE",
        "CREATE USER `o'd d``q`@'%' IDENTIFIED BY 'q' PASSWORD EXPIRE INTERVAL 30 DAY",
        r"CREATE USER certified@'%' IDENTIFIED BY 'c' REQUIRE SUBJECT '/C=IE/O=O''R\\n; x'
          AND ISSUER '/O=it''s' AND CIPHER 'AES''-- '",
        "CREATE USER of_subject@'%' REQUIRE SUBJECT '/O=a''; DROP DATABASE shop; -- '",
        "CREATE ROLE reader, writer",
        "GRANT SELECT ON shop.* TO reader",
        "GRANT INSERT, UPDATE ON shop.t TO writer",
        "GRANT reader TO writer",
        "GRANT writer TO plain@'%' WITH ADMIN OPTION",
        "GRANT PROCESS, RELOAD ON *.* TO plain@'%' WITH GRANT OPTION",
        "GRANT SELECT (`b ON c`), INSERT ON shop.t TO limited@localhost WITH GRANT OPTION",
        "GRANT EXECUTE ON PROCEDURE shop.p TO limited@localhost",
        "GRANT ALTER ROUTINE ON FUNCTION shop.f TO `o'd d``q`@'%'",
        "GRANT SHOW VIEW ON shop.v TO `o'd d``q`@'%'",
        "GRANT ALL ON `sh\\_p%`.* TO `o'd d``q`@'%'",
        "GRANT SELECT ON mysql.user TO expired@'%'",
    ];
    if mariadb {
        sql.extend([
            "CREATE USER two@'%' IDENTIFIED VIA mysql_native_password USING PASSWORD('2') \
             OR unix_socket",
            "SET DEFAULT ROLE writer FOR plain@'%'",
            "GRANT SELECT ON other.* TO PUBLIC",
            // Roles that root does not administer, or nobody.
            "CREATE ROLE chief",
            "CREATE ROLE under WITH ADMIN chief",
            "GRANT under TO limited@localhost",
            "CREATE ROLE alone",
            "GRANT alone TO plain@'%'",
            "GRANT chief TO plain@'%' WITH ADMIN OPTION",
            "REVOKE alone FROM root@localhost",
            "REVOKE chief FROM root@localhost",
        ]);
    } else {
        sql.extend([
            "SET GLOBAL partial_revokes = ON",
            "ALTER USER plain@'%' DEFAULT ROLE writer",
            "ALTER USER plain@'%' COMMENT 'it''s'",
            "CREATE USER a_first@'%' IDENTIFIED BY 'a' DEFAULT ROLE reader, writer",
            "GRANT BACKUP_ADMIN, SHOW_ROUTINE ON *.* TO a_first@'%'",
            "GRANT SELECT ON *.* TO a_first@'%'",
            "REVOKE SELECT ON other.* FROM a_first@'%'",
        ]);
    }
    sql
}

const DROP: &[&str] = &[
    "DROP DATABASE shop",
    "DROP DATABASE other",
    "DROP USER certified@'%', of_subject@'%'",
    "DROP USER plain@'%', limited@localhost, locked@'10.%', expired@'%', `o'd d``q`@'%'",
    "DROP ROLE reader, writer",
];

fn root(server: &TestServer) -> ConnectOptions {
    ConnectOptions::from_url(&server.url).unwrap()
}

/// Leave to do what a file with such accounts does.
fn leave(server: &TestServer) -> RestoreOptions {
    RestoreOptions::default()
        .with_accounts(true)
        .with_other_databases(true)
        .with_indirect_statements(!server.is_mariadb())
}

on_each_server! {
    /// F7, S19: Dropped accounts come back as they were.
    async fn accounts_come_back_as_they_were(server: TestServer) {
        let private = PrivateServer::like(&server).await;
        let server = &private.server;
        let mariadb = server.is_mariadb();
        private.run(&of_every_kind(mariadb)).await;
        let mut conn = server.conn().await;
        let before = accounts(&mut conn, mariadb).await;

        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("all.sql.gz");
        let options =
            DumpOptions::default().with_databases(Databases::All).with_accounts(true);
        let report = dump_to_path(&root(server), &path, &options, &Context::new()).await.unwrap();
        let manifest = inspect(&path).unwrap().manifest;
        assert_eq!(report.accounts, u64::try_from(manifest.accounts.len()).unwrap());
        for account in ["plain@%", "limited@localhost"] {
            assert!(manifest.accounts.iter().any(|name| name == account), "{manifest:?}");
        }
        assert!(manifest.left_out.iter().any(|text| text == "account root@localhost"));
        let members = inspect(&path).unwrap().index.members;
        let sections: Vec<_> = members.iter().map(|member| member.section).collect();
        assert_eq!(sections[..2], [Section::Start, Section::Accounts]);
        assert_eq!(sections[sections.len() - 2..], [Section::Grants, Section::End]);
        assert_eq!(report.warnings, [""; 0]);

        private.run(DROP).await;
        private.run(if mariadb {
            &[
                "DROP USER two@'%'",
                "DROP ROLE chief, under, alone",
                "REVOKE SELECT ON other.* FROM PUBLIC",
            ]
        } else {
            &["DROP USER a_first@'%'"]
        }).await;

        // Not without leave.
        let options = RestoreOptions::default();
        let refused = restore(&root(server), &path, &options, &Context::new()).await;
        let error = refused.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Config, "{error:?}");
        assert!(!accounts(&mut conn, mariadb).await.contains_key("`plain`@`%`"));

        let options = leave(server);
        if let Err(error) = restore(&root(server), &path, &options, &Context::new()).await {
            panic!("{}", error.chain());
        }
        assert_eq!(accounts(&mut conn, mariadb).await, before);
        conn.disconnect().await.unwrap();
    }

    /// S19: Grants on columns that are gone are left out, and nothing else of them.
    async fn grants_on_columns_that_are_gone_are_left_out(server: TestServer) {
        let private = PrivateServer::like(&server).await;
        let server = &private.server;
        private.run(&[
            "CREATE DATABASE shop",
            "CREATE TABLE shop.t (a INT, b INT, `C` INT)",
            "CREATE USER some@localhost, none@localhost, all_there@localhost",
            "GRANT SELECT (a, b), UPDATE (b), DELETE ON shop.t TO some@localhost",
            "GRANT INSERT (b) ON shop.t TO none@localhost",
            "GRANT INSERT (a, c) ON shop.t TO all_there@localhost",
            "ALTER TABLE shop.t DROP COLUMN b",
        ]).await;
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("all.sql.gz");
        let options = DumpOptions::default()
            .with_databases(Databases::Named(vec!["shop".into()]))
            .with_accounts(true);
        let report = dump_to_path(&root(server), &path, &options, &Context::new()).await.unwrap();
        assert_eq!(report.warnings.len(), 2, "{:?}", report.warnings);
        for text in ["columns of a grant were left out", "a grant was left out"] {
            let found = report.warnings.iter().any(|line| line.contains(text) && line.contains("`b`"));
            assert!(found, "{:?}", report.warnings);
        }
        private.run(&[
            "DROP DATABASE shop",
            "DROP USER some@localhost, none@localhost, all_there@localhost",
        ]).await;
        restore(&root(server), &path, &leave(server), &Context::new()).await.unwrap();
        let mut conn = server.conn().await;
        for (account, expected) in [
            ("some", "GRANT SELECT (`a`), DELETE ON `shop`.`t` TO `some`@`localhost`"),
            ("all_there", "GRANT INSERT (`C`, `a`) ON `shop`.`t` TO `all_there`@`localhost`"),
            ("none", ""),
        ] {
            let sql = format!("SHOW GRANTS FOR {account}@localhost");
            let mut lines: Vec<String> = conn.query(sql).await.unwrap();
            lines.retain(|line| !line.starts_with("GRANT USAGE"));
            let line = lines.join(";").to_lowercase().replace("(`a`, `c`)", "(`c`, `a`)");
            assert_eq!(line, expected.to_lowercase());
        }
        conn.disconnect().await.unwrap();
    }

    /// S19: What is there already keeps its password and its rights, whoever restores.
    async fn accounts_that_are_there_keep_what_they_have(server: TestServer) {
        let private = PrivateServer::like(&server).await;
        let server = &private.server;
        private.run(&of_every_kind(server.is_mariadb())).await;
        private.run(&[
            "CREATE USER boss@'%' IDENTIFIED BY 'old'",
            "GRANT ALL ON *.* TO boss@'%' WITH GRANT OPTION",
        ]).await;
        if !server.is_mariadb() {
            private.run(&["REVOKE INSERT ON other.* FROM boss@'%'"]).await;
        }
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("all.sql.gz");
        let options = DumpOptions::default()
            .with_databases(Databases::Named(vec!["shop".into()]))
            .with_accounts(true);
        let report = dump_to_path(&root(server), &path, &options, &Context::new()).await.unwrap();
        assert_eq!(report.warnings, [""; 0], "every grant is on something that the file holds");
        let without = options.with_exclude("table:shop.t".parse().unwrap());
        let report = dump(&root(server), Vec::new(), &without, &Context::new()).await.unwrap();
        assert_eq!(report.warnings.len(), 2, "{:?}", report.warnings);
        let on_table = |line: &String| line.contains("a grant was left out") && line.contains("`t`");
        assert!(report.warnings.iter().all(on_table), "{:?}", report.warnings);

        private.run(&["DROP DATABASE shop", "ALTER USER boss@'%' IDENTIFIED BY 'new'"]).await;
        if !server.is_mariadb() {
            private.run(&["GRANT INSERT ON other.* TO boss@'%'"]).await;
        }
        let boss = root(server).with_user("boss").with_password("new");
        let options = leave(server);
        let restored = restore(&boss, &path, &options, &Context::new()).await;
        if server.is_mariadb() {
            // It does not administer the roles that are there.
            assert_eq!(restored.unwrap_err().server().unwrap().number, 1698);
        } else {
            restored.unwrap();
        }
        // It still gets in with the new password, and may do what it could.
        let connect = boss.with_database("other");
        let only_rows = DumpOptions::default();
        dump(&connect, Vec::new(), &only_rows, &Context::new()).await.unwrap();
        if !server.is_mariadb() {
            let mut conn = server.conn().await;
            let grants: Vec<String> = conn.query("SHOW GRANTS FOR boss@'%'").await.unwrap();
            assert!(!grants.iter().any(|line| line.starts_with("REVOKE")), "{grants:?}");
            conn.disconnect().await.unwrap();
        }
    }
}

/// Grants name databases, so a file that does not cannot hold them.
#[tokio::test]
async fn accounts_need_named_databases() {
    let database = TestServer::mariadb_10_11().database().await;
    let options = DumpOptions::default().with_accounts(true);
    let connect = crate::roundtrip::connect(&database);
    let error = dump(&connect, Vec::new(), &options, &Context::new()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Config, "{error:?}");
}

/// What the server keeps of passwords and does not print is told.
#[tokio::test]
async fn other_passwords_of_an_account_are_told() {
    let private = PrivateServer::like(&TestServer::mysql_9_7()).await;
    private
        .run(&[
            "CREATE DATABASE shop",
            "CREATE USER plain@'%' IDENTIFIED BY 'a'",
            "CREATE USER twice@'%' IDENTIFIED BY 'b'",
            "ALTER USER twice@'%' IDENTIFIED BY 'c' RETAIN CURRENT PASSWORD",
            "CREATE USER former@'%' IDENTIFIED BY 'd' PASSWORD HISTORY 3",
            "ALTER USER former@'%' IDENTIFIED BY 'e'",
        ])
        .await;
    let options = DumpOptions::default()
        .with_databases(Databases::Named(vec!["shop".into()]))
        .with_accounts(true);
    let report = dump(&root(&private.server), Vec::new(), &options, &Context::new()).await.unwrap();
    let [second, former] = &report.warnings[..] else { panic!("{:?}", report.warnings) };
    assert!(second.contains("twice@%") && second.contains("second password"), "{second}");
    assert!(former.contains("former@%") && former.contains("password history"), "{former}");
}

/// An account that may not read `mysql.user` is told which grant it lacks.
#[tokio::test]
async fn accounts_need_a_privilege() {
    for server in TestServer::all() {
        let database = server.database().await;
        let name = format!("u_{}", database.name);
        let routines =
            if server.is_mariadb() { "SELECT ON mysql.proc" } else { "SHOW_ROUTINE ON *.*" };
        database
            .run(&[
                &format!("CREATE USER {name}@'%' IDENTIFIED BY 'x'"),
                &format!("GRANT ALL ON {}.* TO {name}@'%'", database.name),
                &format!("GRANT {routines} TO {name}@'%'"),
            ])
            .await;
        let connect = root(&server).with_user(&name).with_password("x");
        let options = DumpOptions::default()
            .with_databases(Databases::Named(vec![database.name.clone()]))
            .with_accounts(true);
        let error = dump(&connect, Vec::new(), &options, &Context::new()).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Privilege, "{error:?}");
        assert!(error.to_string().contains("GRANT SELECT ON `mysql`.*"), "{error}");
        database.run(&[&format!("DROP USER {name}@'%'")]).await;
    }
}
