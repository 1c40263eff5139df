//! What an account may not see is an error that names the grant, never a gap.

use mysql_async::Conn;
use mysql_async::prelude::Queryable as _;
use snapdump::{ConnectOptions, Context, DumpOptions, DumpReport, ErrorKind, Result, dump};

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
        assert_eq!(report.warnings, [""; 0]);
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
