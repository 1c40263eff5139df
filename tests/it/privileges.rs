//! What an account may not see is an error that names the grant, never a gap.

use std::collections::BTreeMap;

use mysql_async::Conn;
use mysql_async::prelude::Queryable as _;
use snapdump::{
    ConnectOptions, Context, Databases, DumpOptions, DumpReport, ErrorKind, ObjectKind, Result,
    Selector, dump,
};

use crate::faults::private::PrivateServer;
use crate::harness::{TestDatabase, TestServer};

const PASSWORD: &str = "p'a\"s%s";

/// A database with one object of each kind.
async fn database_of_every_kind(server: &TestServer) -> TestDatabase {
    let database = server.database().await;
    database
        .run(&[
            "CREATE TABLE t (id INT PRIMARY KEY)",
            "INSERT INTO t VALUES (1), (2)",
            "CREATE VIEW v AS SELECT id FROM t",
            "CREATE TRIGGER g BEFORE INSERT ON t FOR EACH ROW SET NEW.id = NEW.id + 0",
            "CREATE PROCEDURE p() SELECT 1",
            "CREATE EVENT e ON SCHEDULE EVERY 1 DAY DISABLE DO SELECT 1",
        ])
        .await;
    database
}

/// An account that is dropped at the end of its test.
struct Account {
    name: String,
    conn: Conn,
}

impl Account {
    async fn create(server: &TestServer, database: &TestDatabase) -> Self {
        let name = format!("u_{}", database.name);
        let mut conn = server.conn().await;
        let password = PASSWORD.replace('\'', "''");
        conn.query_drop(format!("CREATE USER '{name}'@'%' IDENTIFIED BY '{password}'"))
            .await
            .unwrap();
        Self { name, conn }
    }

    async fn grant(&mut self, privilege: &str) {
        self.conn.query_drop(format!("GRANT {privilege} TO '{}'@'%'", self.name)).await.unwrap();
    }

    async fn revoke_all(&mut self) {
        let sql = format!("REVOKE ALL PRIVILEGES, GRANT OPTION FROM '{}'@'%'", self.name);
        self.conn.query_drop(sql).await.unwrap();
    }

    async fn dump(
        &self,
        server: &TestServer,
        database: &TestDatabase,
        options: &DumpOptions,
    ) -> Result<DumpReport> {
        let connect = ConnectOptions::from_url(&server.url)
            .unwrap()
            .with_user(&self.name)
            .with_password(PASSWORD)
            .with_database(&database.name);
        dump(&connect, Vec::new(), options, &Context::new()).await
    }

    async fn drop(mut self) {
        self.conn.query_drop(format!("DROP USER '{}'@'%'", self.name)).await.unwrap();
        self.conn.disconnect().await.unwrap();
    }
}

/// What a dump of everything needs, and what the error calls it.
fn needs(server: &TestServer, database: &TestDatabase) -> Vec<(String, String)> {
    let name = &database.name;
    let on_database = |privilege: &str| {
        let quoted = format!("{privilege} ON `{name}`.*");
        (quoted.clone(), format!("GRANT {quoted}"))
    };
    let routines =
        if server.is_mariadb() { "SELECT ON `mysql`.`proc`" } else { "SHOW_ROUTINE ON *.*" };
    vec![
        on_database("SELECT"),
        on_database("SHOW VIEW"),
        on_database("TRIGGER"),
        on_database("EVENT"),
        (routines.to_owned(), format!("GRANT {routines}")),
    ]
}

on_each_server! {
    /// Every subset of the privileges that a dump needs: all of what is missing is named.
    async fn a_missing_privilege_is_named(server: TestServer) {
        let database = database_of_every_kind(&server).await;
        let needs = needs(&server, &database);
        let mut account = Account::create(&server, &database).await;
        for subset in 0..1u32 << needs.len() {
            account.revoke_all().await;
            // So that the account may select the database at all.
            account.grant(&format!("EXECUTE ON `{}`.*", database.name)).await;
            let has = |position: usize| subset & (1 << position) != 0;
            for (position, (privilege, _)) in needs.iter().enumerate() {
                if has(position) {
                    account.grant(privilege).await;
                }
            }
            let dumped = account.dump(&server, &database, &DumpOptions::default()).await;
            if subset == (1 << needs.len()) - 1 {
                let report = dumped.unwrap();
                assert_eq!(report.objects.values().sum::<u64>(), 5, "{report:?}");
                continue;
            }
            let error = dumped.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Privilege, "{error:?}");
            let message = error.to_string();
            for (position, (_, grant)) in needs.iter().enumerate() {
                // Without SELECT no view is seen, so nobody can know that SHOW VIEW is needed.
                let unknowable = grant.contains("SHOW VIEW") && !has(0);
                if !unknowable {
                    assert_eq!(message.contains(grant), !has(position), "{grant}: {message}");
                }
            }
            assert!(!message.contains(PASSWORD));
        }
        account.drop().await;
    }

    /// A partial dump says what it may lack.
    async fn a_partial_dump_warns(server: TestServer) {
        let database = database_of_every_kind(&server).await;
        let mut account = Account::create(&server, &database).await;
        account.grant(&format!("SELECT, SHOW VIEW ON `{}`.*", database.name)).await;
        let options = DumpOptions::default().with_partial(true);
        let report = account.dump(&server, &database, &options).await.unwrap();
        assert_eq!((report.tables, report.rows), (1, 2));
        for word in ["TRIGGER", "EVENT"] {
            assert!(report.warnings.iter().any(|text| text.contains(word)), "{report:?}");
        }
        account.drop().await;
    }

    /// A kind that is left out needs no privilege.
    async fn what_is_left_out_needs_no_privilege(server: TestServer) {
        use snapdump::ObjectKind::{
            Event, Function, Library, Package, PackageBody, Procedure, Trigger,
        };
        let database = database_of_every_kind(&server).await;
        let mut account = Account::create(&server, &database).await;
        account.grant(&format!("SELECT, SHOW VIEW ON `{}`.*", database.name)).await;
        let options = [Event, Function, Library, Package, PackageBody, Procedure, Trigger]
            .into_iter()
            .fold(DumpOptions::default(), DumpOptions::without_kind);
        let report = account.dump(&server, &database, &options).await.unwrap();
        assert_eq!(without_locks(&report), [""; 0]);
        account.drop().await;
    }

    /// Privileges count that come by a role.
    async fn roles_count(server: TestServer) {
        let database = database_of_every_kind(&server).await;
        let mut account = Account::create(&server, &database).await;
        let role = format!("r_{}", database.name);
        account.conn.query_drop(format!("CREATE ROLE {role}")).await.unwrap();
        for (privilege, _) in needs(&server, &database) {
            account.conn.query_drop(format!("GRANT {privilege} TO {role}")).await.unwrap();
        }
        account.grant(&role).await;
        let name = account.name.clone();
        let default = if server.is_mariadb() {
            format!("SET DEFAULT ROLE {role} FOR '{name}'@'%'")
        } else {
            format!("SET DEFAULT ROLE {role} TO '{name}'@'%'")
        };
        account.conn.query_drop(default).await.unwrap();
        let report = account.dump(&server, &database, &DumpOptions::default()).await.unwrap();
        assert_eq!(report.objects.values().sum::<u64>(), 5, "{report:?}");
        account.conn.query_drop(format!("DROP ROLE {role}")).await.unwrap();
        account.drop().await;
    }
}

/// What there is to be seen: two tables, two views, routines of each kind, a trigger on each table.
async fn database_for_the_matrix(server: &TestServer) -> TestDatabase {
    let database = server.database().await;
    database
        .run(&[
            "CREATE TABLE t (id INT PRIMARY KEY, a INT)",
            "INSERT INTO t VALUES (1, 1), (2, 2)",
            "CREATE TABLE u (id INT, secret INT)",
            "INSERT INTO u VALUES (3, 3)",
            "CREATE VIEW v AS SELECT id FROM t",
            "CREATE VIEW w AS SELECT id FROM u",
            "CREATE TRIGGER g BEFORE INSERT ON t FOR EACH ROW SET NEW.id = NEW.id + 0",
            "CREATE TRIGGER h BEFORE INSERT ON u FOR EACH ROW SET NEW.id = NEW.id + 0",
            "CREATE PROCEDURE p() SELECT 1",
            "CREATE FUNCTION f() RETURNS INT DETERMINISTIC RETURN 1",
            "CREATE EVENT e ON SCHEDULE EVERY 1 DAY DISABLE DO SELECT 1",
        ])
        .await;
    if !server.is_mariadb() {
        let create = "CREATE LIBRARY l LANGUAGE JAVASCRIPT AS 'export function x() { return 1 }'";
        database.run(&[create]).await;
    }
    database
}

/// Privileges on every level: of the database, of tables, columns, views and routines, of the whole
/// server, dynamic ones too.
fn grants_on_every_level(server: &TestServer, name: &str) -> Vec<String> {
    let mut grants: Vec<String> = [
        "SELECT ON `{}`.*",
        "SELECT ON `{}`.*",
        "SHOW VIEW ON `{}`.*",
        "SHOW VIEW ON `{}`.*",
        "TRIGGER ON `{}`.*",
        "TRIGGER ON `{}`.*",
        "EVENT ON `{}`.*",
        "EVENT ON `{}`.*",
        "EXECUTE, ALTER ROUTINE ON `{}`.*",
        "SELECT ON `{}`.t",
        "SELECT ON `{}`.u",
        "INSERT, TRIGGER ON `{}`.t",
        "TRIGGER ON `{}`.u",
        "SELECT (id) ON `{}`.u",
        "INSERT (id), UPDATE (secret) ON `{}`.u",
        "SELECT, SHOW VIEW ON `{}`.v",
        "SHOW VIEW ON `{}`.w",
        "EXECUTE ON PROCEDURE `{}`.p",
        "ALTER ROUTINE ON FUNCTION `{}`.f",
        "SELECT ON *.*",
        "PROCESS ON *.*",
    ]
    .iter()
    .map(|grant| grant.replace("{}", name))
    .collect();
    if server.is_mariadb() {
        grants.extend(["SELECT ON mysql.proc", "BINLOG ADMIN ON *.*"].map(str::to_owned));
        grants.push("SELECT ON mysql.proc".to_owned());
    } else {
        grants.extend(["SHOW_ROUTINE ON *.*", "BACKUP_ADMIN ON *.*"].map(str::to_owned));
        grants.push("SHOW_ROUTINE ON *.*".to_owned());
    }
    grants
}

/// The warnings but for that of metadata locks, which are kept where BINLOG ADMIN lacks.
fn without_locks(report: &DumpReport) -> Vec<&str> {
    let warnings = report.warnings.iter().map(String::as_str);
    warnings.filter(|warning| !warning.contains("BINLOG ADMIN")).collect()
}

/// Whether a dump holds everything; it must not differ without a word.
fn is_whole(report: &DumpReport, whole: &DumpReport) -> bool {
    (&report.objects, report.rows) == (&whole.objects, whole.rows)
}

on_each_server! {
    /// Whatever an account has, by itself or by roles, of the database or of single objects: a dump
    /// holds everything, or it fails and names a grant, or it is partial and says so.
    async fn any_set_of_grants_gives_everything_or_a_word(server: TestServer) {
        let database = database_for_the_matrix(&server).await;
        let root = ConnectOptions::from_url(&server.url_of(&database.name)).unwrap();
        let strict = DumpOptions::default();
        let partial = DumpOptions::default().with_partial(true);
        let whole = dump(&root, Vec::new(), &strict, &Context::new()).await.unwrap();
        let grants = grants_on_every_level(&server, &database.name);
        let roles: Vec<String> = (0..3).map(|n| format!("r{n}_{}", database.name)).collect();
        let mut random = 0x9E37_79B9_7F4A_7C15_u64;
        let mut next = move |below: u64| {
            random ^= random << 13;
            random ^= random >> 7;
            random ^= random << 17;
            random % below
        };
        let mut outcomes: BTreeMap<&str, u32> = BTreeMap::new();
        for round in 0..36 {
            let mut account = Account::create(&server, &database).await;
            account.grant(&format!("EXECUTE ON `{}`.*", database.name)).await;
            for role in &roles {
                account.conn.query_drop(format!("CREATE ROLE {role}")).await.unwrap();
            }
            // The second role is part of the first; the third is never active.
            for (role, to) in [(1, 0), (2, 2)] {
                if role != to {
                    let sql = format!("GRANT {} TO {}", roles[role], roles[to]);
                    account.conn.query_drop(sql).await.unwrap();
                }
            }
            account.grant(&roles[0]).await;
            account.grant(&roles[2]).await;
            let mut given = Vec::new();
            // From hardly anything to nearly everything.
            let share = 3 + round % 8;
            for grant in &grants {
                if next(10) >= share {
                    continue;
                }
                let to = match next(8) {
                    0 => roles[0].as_str(),
                    1 => roles[1].as_str(),
                    2 => roles[2].as_str(),
                    _ => "",
                };
                given.push(format!("{grant} {to}"));
                if to.is_empty() {
                    account.grant(grant).await;
                } else {
                    account.conn.query_drop(format!("GRANT {grant} TO {to}")).await.unwrap();
                }
            }
            let (name, role) = (account.name.clone(), &roles[0]);
            let default = if server.is_mariadb() {
                format!("SET DEFAULT ROLE {role} FOR '{name}'@'%'")
            } else {
                format!("SET DEFAULT ROLE {role} TO '{name}'@'%'")
            };
            account.conn.query_drop(default).await.unwrap();

            match account.dump(&server, &database, &strict).await {
                Ok(report) => {
                    assert!(is_whole(&report, &whole), "{given:?}: {report:?}");
                    assert_eq!(without_locks(&report), [""; 0], "{given:?}");
                    *outcomes.entry("whole").or_default() += 1;
                }
                Err(error) => {
                    assert_eq!(error.kind(), ErrorKind::Privilege, "{given:?}: {error:?}");
                    assert!(error.to_string().contains("GRANT "), "{given:?}: {error}");
                    *outcomes.entry("named").or_default() += 1;
                }
            }
            let report = account.dump(&server, &database, &partial).await;
            let report = report.unwrap_or_else(|error| panic!("{given:?}: {}", error.chain()));
            let said = !without_locks(&report).is_empty();
            assert!(is_whole(&report, &whole) || said, "{given:?}: {report:?}");
            *outcomes.entry(if said { "partial" } else { "nothing to say" }).or_default() += 1;
            for role in &roles {
                account.conn.query_drop(format!("DROP ROLE {role}")).await.unwrap();
            }
            account.drop().await;
        }
        for outcome in ["whole", "named", "partial", "nothing to say"] {
            assert!(outcomes.get(outcome).is_some_and(|count| *count > 1), "{outcomes:?}");
        }
    }

    /// Roles of roles count, and those that are not active do not; then the error says so.
    async fn only_active_roles_count(server: TestServer) {
        let database = database_of_every_kind(&server).await;
        let mut account = Account::create(&server, &database).await;
        let roles: Vec<String> = (0..3).map(|n| format!("r{n}_{}", database.name)).collect();
        for role in &roles {
            account.conn.query_drop(format!("CREATE ROLE {role}")).await.unwrap();
        }
        for (position, (privilege, _)) in needs(&server, &database).iter().enumerate() {
            let sql = format!("GRANT {privilege} TO {}", roles[position % 3]);
            account.conn.query_drop(sql).await.unwrap();
        }
        for sql in [
            format!("GRANT {} TO {}", roles[2], roles[1]),
            format!("GRANT {} TO {}", roles[1], roles[0]),
        ] {
            account.conn.query_drop(sql).await.unwrap();
        }
        account.grant(&roles[0]).await;
        // So that the account may select the database at all.
        account.grant(&format!("EXECUTE ON `{}`.*", database.name)).await;
        let options = DumpOptions::default();
        let error = account.dump(&server, &database, &options).await.unwrap_err();
        assert!(error.to_string().contains("SET DEFAULT ROLE"), "{error}");
        let (name, role) = (account.name.clone(), &roles[0]);
        let to = if server.is_mariadb() { "FOR" } else { "TO" };
        let default = format!("SET DEFAULT ROLE {role} {to} '{name}'@'%'");
        account.conn.query_drop(default).await.unwrap();
        let report = account.dump(&server, &database, &options).await.unwrap();
        assert_eq!(report.objects.values().sum::<u64>(), 5, "{report:?}");
        for role in &roles {
            account.conn.query_drop(format!("DROP ROLE {role}")).await.unwrap();
        }
        account.drop().await;
    }

    /// Of several patterns for a database the server takes the most specific one alone.
    async fn a_pattern_hides_less_specific_ones(server: TestServer) {
        let database = database_of_every_kind(&server).await;
        let mut account = Account::create(&server, &database).await;
        let exact = database.name.replace('_', "\\_");
        let needs = needs(&server, &database);
        account.grant(&needs.last().unwrap().0).await;
        account.grant(&format!("SELECT, SHOW VIEW, TRIGGER ON `{exact}`.*")).await;
        account.grant("EVENT ON `sd%`.*").await;
        let options = DumpOptions::default();
        let error = account.dump(&server, &database, &options).await.unwrap_err();
        assert!(error.to_string().contains("GRANT EVENT ON"), "{error}");
        account.grant(&format!("EVENT ON `{exact}`.*")).await;
        account.dump(&server, &database, &options).await.unwrap();
        account.drop().await;
    }

    /// A pattern of names is no list of names: what it would match unseen has to be visible. Tables
    /// that are named can be read by an account that sees nothing else.
    async fn a_few_tables_need_a_few_privileges(server: TestServer) {
        let database = database_for_the_matrix(&server).await;
        let mut account = Account::create(&server, &database).await;
        account.grant(&format!("SELECT, TRIGGER ON `{}`.t", database.name)).await;
        account.grant(&format!("SELECT (id), INSERT ON `{}`.u", database.name)).await;
        let only = |patterns: &[&str]| {
            let options = DumpOptions::default()
                .without_kind(ObjectKind::Event)
                .without_kind(ObjectKind::View);
            let options = [
                ObjectKind::Function,
                ObjectKind::Procedure,
                ObjectKind::Package,
                ObjectKind::PackageBody,
                ObjectKind::Library,
            ]
            .into_iter()
            .fold(options, DumpOptions::without_kind);
            patterns.iter().fold(options, |options, pattern| {
                options.with_include(pattern.parse::<Selector>().unwrap())
            })
        };
        let report = account.dump(&server, &database, &only(&["t", "g"])).await.unwrap();
        assert_eq!((report.tables, report.rows), (1, 2));
        for pattern in ["t*", "*", "{t,u}"] {
            let error = account.dump(&server, &database, &only(&[pattern])).await.unwrap_err();
            let needed = format!("GRANT SELECT ON `{}`.*", database.name);
            assert!(error.to_string().contains(&needed), "{pattern}: {error}");
        }
        // Some columns are not all.
        let error = account.dump(&server, &database, &only(&["table:u"])).await.unwrap_err();
        let needed = format!("GRANT SELECT ON `{}`.`u`", database.name);
        assert!(error.to_string().contains(&needed), "{error}");
        account.drop().await;
    }

    /// All databases are those that the account sees, so it has to see all.
    async fn all_databases_have_to_be_visible(server: TestServer) {
        let database = database_of_every_kind(&server).await;
        let mut account = Account::create(&server, &database).await;
        for (privilege, _) in needs(&server, &database) {
            account.grant(&privilege).await;
        }
        let options = DumpOptions::default().with_databases(Databases::All).with_rows(false);
        let error = account.dump(&server, &database, &options).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Privilege, "{error:?}");
        assert!(error.to_string().contains("GRANT SHOW DATABASES ON *.*"), "{error}");
        account.drop().await;
    }
}

/// What is taken away of a global privilege for one database (`MySQL`) is missing there. Patterns are
/// names then.
#[tokio::test]
async fn partial_revokes_are_missing_privileges() {
    let private = PrivateServer::like(&TestServer::mysql_9_7()).await;
    let server = &private.server;
    let database = database_of_every_kind(server).await;
    let name = &database.name;
    private.run(&["SET GLOBAL partial_revokes = ON"]).await;
    let mut account = Account::create(server, &database).await;
    account.grant("SELECT, SHOW VIEW, TRIGGER, EVENT, EXECUTE ON *.*").await;
    let options = DumpOptions::default();
    account.dump(server, &database, &options).await.unwrap();
    for privilege in ["SELECT", "SHOW VIEW", "TRIGGER", "EVENT"] {
        let revoke = format!("REVOKE {privilege} ON {name}.* FROM '{}'@'%'", account.name);
        account.conn.query_drop(revoke).await.unwrap();
        let error = account.dump(server, &database, &options).await.unwrap_err();
        assert!(error.to_string().contains(&format!("GRANT {privilege} ON `{name}`.*")), "{error}");
        let partial = DumpOptions::default().with_partial(true);
        let report = account.dump(server, &database, &partial).await.unwrap();
        assert!(report.warnings.iter().any(|warning| warning.contains(privilege)), "{report:?}");
        account.grant("SELECT, SHOW VIEW, TRIGGER, EVENT ON *.*").await;
        account.grant(&format!("{privilege} ON `{name}`.*")).await;
        account.dump(server, &database, &options).await.unwrap();
        account.revoke_all().await;
        account.grant("SELECT, SHOW VIEW, TRIGGER, EVENT, EXECUTE ON *.*").await;
    }
    // One of which everything was taken away is not even listed.
    account.grant("SHOW_ROUTINE ON *.*").await;
    let revoke = format!(
        "REVOKE SELECT, SHOW VIEW, TRIGGER, EVENT, EXECUTE ON {name}.* FROM '{}'@'%'",
        account.name
    );
    account.conn.query_drop(revoke).await.unwrap();
    let connect = ConnectOptions::from_url(&server.url)
        .unwrap()
        .with_user(&account.name)
        .with_password(PASSWORD);
    let all = DumpOptions::default().with_databases(Databases::All);
    let error = dump(&connect, Vec::new(), &all, &Context::new()).await.unwrap_err();
    assert!(error.to_string().contains(&format!("GRANT SELECT ON `{name}`.*")), "{error}");
    account.revoke_all().await;
    account.grant(&format!("EXECUTE ON `{name}`.*")).await;
    account.grant("SHOW_ROUTINE ON *.*").await;
    account.grant("SELECT, SHOW VIEW, TRIGGER, EVENT ON `sd%`.*").await;
    let error = account.dump(server, &database, &options).await.unwrap_err();
    assert!(error.to_string().contains(&format!("GRANT SELECT ON `{name}`.*")), "{error}");
    account.drop().await;
    drop(database);
}
