//! Whose name views and stored programs run under after a restore.

use std::sync::atomic::{AtomicU32, Ordering};

use mysql_async::prelude::Queryable as _;
use snapdump::{Definer, DumpOptions};

use crate::backup::{Cleanup, dump_into, restore_into};
use crate::harness::{TestDatabase, TestServer};
use crate::roundtrip::scratch;

/// An account whose name is awkward in every kind of quotes.
struct Account {
    user: String,
    host: &'static str,
    _gone: Cleanup,
}

impl Account {
    async fn make(server: &TestServer) -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(1);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        // No @: MariaDB keeps the definer of an event as one text and takes it apart wrongly.
        let user = format!("o`w\"n 'r{}_{number}", std::process::id());
        let host = "127.0.0.%";
        let account = format!("'{}'@'{host}'", user.replace('\'', "''"));
        let gone = Cleanup::new(server, vec![format!("DROP USER IF EXISTS {account}")]);
        let mut conn = server.conn().await;
        conn.query_drop(format!("CREATE USER {account}")).await.unwrap();
        // A view can be read under its definer's name only if that one may.
        conn.query_drop(format!("GRANT ALL ON *.* TO {account}")).await.unwrap();
        conn.disconnect().await.unwrap();
        Self { user, host, _gone: gone }
    }

    /// As the catalogue has it.
    fn text(&self) -> String {
        format!("{}@{}", self.user, self.host)
    }

    fn quoted(&self) -> String {
        format!("`{}`@`{}`", self.user.replace('`', "``"), self.host)
    }
}

/// A database with an object of each kind that has a definer, made under each kind of quotes.
async fn programs(server: &TestServer, account: &Account) -> TestDatabase {
    let database = server.database().await;
    let mut statements = vec!["CREATE TABLE t (id INT)".to_owned()];
    let by = account.quoted();
    for (mode, suffix) in [("", "a"), ("ANSI_QUOTES", "b"), ("ANSI,NO_BACKSLASH_ESCAPES", "c")] {
        statements.push(format!("SET sql_mode = '{mode}'"));
        // The text itself speaks of a definer too, where nothing may be changed.
        let body = "'DEFINER=`x`@`y` '";
        let security = if suffix == "a" { "INVOKER" } else { "DEFINER" };
        for create in [
            format!("SQL SECURITY {security} VIEW v_{suffix} AS SELECT {body} AS x FROM t"),
            format!("FUNCTION f_{suffix}() RETURNS TEXT DETERMINISTIC RETURN {body}"),
            format!("PROCEDURE p_{suffix}() SELECT {body}"),
            format!("TRIGGER t_{suffix} BEFORE INSERT ON t FOR EACH ROW SET @x = {body}"),
            format!("EVENT e_{suffix} ON SCHEDULE EVERY 1 DAY DISABLE DO SET @x = {body}"),
        ] {
            let algorithm = if create.contains(" VIEW ") { "ALGORITHM = MERGE " } else { "" };
            statements.push(format!("CREATE {algorithm}DEFINER = {by} {create}"));
        }
    }
    let statements: Vec<_> = statements.iter().map(String::as_str).collect();
    database.run(&statements).await;
    database
}

/// Kind, name, definer and text of every program: `view v_a`, `root@%`, `…`.
async fn definers(database: &TestDatabase) -> Vec<(String, String, String)> {
    let mut conn = database.conn().await;
    let name = &database.name;
    let found: Vec<(String, String, String)> = conn
        .query(format!(
            "SELECT CONCAT('view ', TABLE_NAME), DEFINER, \
               CONCAT(SECURITY_TYPE, REPLACE(VIEW_DEFINITION, '`{name}`.', '')) \
             FROM information_schema.VIEWS WHERE TABLE_SCHEMA = '{name}' \
             UNION ALL SELECT CONCAT('routine ', ROUTINE_NAME), DEFINER, ROUTINE_DEFINITION \
             FROM information_schema.ROUTINES WHERE ROUTINE_SCHEMA = '{name}' \
             UNION ALL SELECT CONCAT('trigger ', TRIGGER_NAME), DEFINER, ACTION_STATEMENT \
             FROM information_schema.TRIGGERS WHERE TRIGGER_SCHEMA = '{name}' \
             UNION ALL SELECT CONCAT('event ', EVENT_NAME), DEFINER, EVENT_DEFINITION \
             FROM information_schema.EVENTS WHERE EVENT_SCHEMA = '{name}' ORDER BY 1"
        ))
        .await
        .unwrap();
    conn.disconnect().await.unwrap();
    found
}

/// Restores under a policy and asserts that every program has the definer expected, and nothing
/// else of it changed.
async fn assert_definers(database: &TestDatabase, policy: Definer, expected: &str) {
    let before = definers(database).await;
    assert_eq!(before.len(), 15);
    let (_directory, path) = scratch();
    let options = DumpOptions::default().with_definer(policy);
    let report = dump_into(database, &path, &options).await;
    assert_eq!(report.warnings, [""; 0]);
    let target = database.server.database().await;
    restore_into(&target, &path).await;
    let wanted: Vec<_> =
        before.into_iter().map(|(name, _, text)| (name, expected.to_owned(), text)).collect();
    assert_eq!(definers(&target).await, wanted);
}

on_each_server! {
    /// S17.
    async fn a_kept_definer_is_the_same_after_the_restore(server: TestServer) {
        let account = Account::make(&server).await;
        let database = programs(&server, &account).await;
        assert_definers(&database, Definer::Keep, &account.text()).await;
    }

    /// S17.
    async fn a_stripped_definer_becomes_whoever_restores(server: TestServer) {
        let account = Account::make(&server).await;
        let database = programs(&server, &account).await;
        let mut conn = server.conn().await;
        let own: String = conn.query_first("SELECT CURRENT_USER()").await.unwrap().unwrap();
        conn.disconnect().await.unwrap();
        assert_ne!(own, account.text());
        assert_definers(&database, Definer::Strip, &own).await;
    }

    /// S17.
    async fn a_replaced_definer_is_the_one_named(server: TestServer) {
        let (account, other) = (Account::make(&server).await, Account::make(&server).await);
        let database = programs(&server, &account).await;
        let policy = Definer::Replace { user: other.user.clone(), host: other.host.to_owned() };
        assert_definers(&database, policy, &other.text()).await;
    }

    /// An account that is gone is no reason to lose what it defined.
    async fn an_account_that_is_gone_loses_nothing(server: TestServer) {
        let account = Account::make(&server).await;
        let database = programs(&server, &account).await;
        let gone = account.text();
        drop(account);
        assert_definers(&database, Definer::Keep, &gone).await;
    }
}
