//! Which objects a dump holds.

use std::collections::BTreeSet;

use snapdump::{Context, DumpOptions, ErrorKind, ObjectKind, dump_to_path, inspect};

use crate::backup::{assert_error, dump_into, files_in, listed, present, restore_into, selector};
use crate::harness::{TestDatabase, TestServer};
use crate::roundtrip::{connect, scratch};

const OBJECTS: [&str; 12] = [
    "table log_a",
    "table log_b",
    "table order_lines",
    "table orders",
    "view v_log",
    "view v_orders",
    "function f_one",
    "procedure p_log",
    "procedure p_one",
    "trigger t_log",
    "trigger t_orders",
    "event e_log",
];

async fn shop(server: &TestServer) -> TestDatabase {
    let database = server.database().await;
    database
        .run(&[
            "CREATE TABLE orders (id INT PRIMARY KEY, note VARCHAR(20))",
            "CREATE TABLE order_lines (id INT PRIMARY KEY, order_id INT)",
            "CREATE TABLE log_a (id INT PRIMARY KEY)",
            "CREATE TABLE log_b (id INT PRIMARY KEY)",
            "CREATE VIEW v_orders AS SELECT id, note FROM orders",
            "CREATE VIEW v_log AS SELECT id FROM log_a UNION ALL SELECT id FROM log_b",
            "CREATE FUNCTION f_one() RETURNS INT DETERMINISTIC RETURN 1",
            "CREATE PROCEDURE p_one() SELECT 1",
            "CREATE PROCEDURE p_log() SELECT 2",
            "CREATE TRIGGER t_orders BEFORE INSERT ON orders FOR EACH ROW SET NEW.note = 'x'",
            "CREATE TRIGGER t_log BEFORE INSERT ON log_a FOR EACH ROW SET NEW.id = NEW.id + 1",
            "CREATE EVENT e_log ON SCHEDULE EVERY 1 DAY DISABLE DO DELETE FROM log_a",
            "INSERT INTO orders (id) VALUES (1),(2)",
            "INSERT INTO order_lines VALUES (1,1),(2,1),(3,2)",
            "INSERT INTO log_a VALUES (1),(2),(3),(4)",
        ])
        .await;
    database
}

fn set(objects: &[&str]) -> BTreeSet<String> {
    objects.iter().map(|&object| object.to_owned()).collect()
}

fn all_but(gone: &[&str]) -> BTreeSet<String> {
    assert!(gone.iter().all(|object| OBJECTS.contains(object)));
    set(&OBJECTS).difference(&set(gone)).cloned().collect()
}

fn include(selectors: &[&str]) -> DumpOptions {
    let add = |options: DumpOptions, text: &&str| options.with_include(selector(text));
    selectors.iter().fold(DumpOptions::default(), add)
}

fn exclude(selectors: &[&str]) -> DumpOptions {
    let add = |options: DumpOptions, text: &&str| options.with_exclude(selector(text));
    selectors.iter().fold(DumpOptions::default(), add)
}

/// Options, and the objects that they leave in a dump of the database named.
fn cases(database: &str) -> Vec<(DumpOptions, BTreeSet<String>)> {
    let all = DumpOptions::default;
    let logs = ["table log_a", "table log_b", "view v_log", "trigger t_log"];
    vec![
        (all(), set(&OBJECTS)),
        // An include without a kind limits every kind.
        (include(&["order*"]), set(&["table order_lines", "table orders"])),
        // A trigger needs its table as well.
        (
            include(&["order*", "t_*"]),
            set(&["table order_lines", "table orders", "trigger t_orders"]),
        ),
        (include(&["p_*"]), set(&["procedure p_log", "procedure p_one"])),
        (include(&[&format!("{database}.orders")]), set(&["table orders"])),
        (include(&["{orders,log_b}"]), set(&["table log_b", "table orders"])),
        (include(&["[f]_?ne"]), set(&["function f_one"])),
        // One with a kind limits that kind only.
        (
            include(&["table:log_?", "view:*log"]),
            all_but(&["table orders", "table order_lines", "view v_orders", "trigger t_orders"]),
        ),
        // Excludes take away, from includes too.
        (
            exclude(&["log_*", "v_log", "e_log"]),
            all_but(&[logs.as_slice(), &["event e_log"]].concat()),
        ),
        (exclude(&["procedure:*_one"]), all_but(&["procedure p_one"])),
        (
            include(&["table:*", "view:v_orders"])
                .with_exclude(selector("table:log_*"))
                .with_exclude(selector("function:*")),
            all_but(&[logs.as_slice(), &["function f_one"]].concat()),
        ),
        (all().without_kind(ObjectKind::View), all_but(&["view v_log", "view v_orders"])),
        (
            all()
                .without_kind(ObjectKind::Function)
                .without_kind(ObjectKind::Procedure)
                .without_kind(ObjectKind::Event),
            all_but(&["function f_one", "procedure p_one", "procedure p_log", "event e_log"]),
        ),
        (all().without_kind(ObjectKind::Trigger), all_but(&["trigger t_log", "trigger t_orders"])),
        (
            all().without_kind(ObjectKind::Table).without_kind(ObjectKind::View),
            set(&["function f_one", "procedure p_log", "procedure p_one", "event e_log"]),
        ),
    ]
}

on_each_server! {
    /// The manifest lists what was chosen and what was left out, and a restore brings just that.
    async fn patterns_and_kinds_choose_what_is_dumped(server: TestServer) {
        let database = shop(&server).await;
        assert_eq!(present(&database).await, set(&OBJECTS));
        for (options, expected) in cases(&database.name) {
            let (_directory, path) = scratch();
            let report = dump_into(&database, &path, &options).await;
            assert_eq!(listed(&path), expected, "{options:?}");
            assert_eq!(report.objects.values().sum::<u64>(), expected.len() as u64);
            let left_out: BTreeSet<_> = inspect(&path)
                .unwrap()
                .manifest
                .left_out
                .iter()
                .map(|object| object.replace(&format!("`{}`.", database.name), "").replace('`', ""))
                .collect();
            let missing: BTreeSet<_> = set(&OBJECTS).difference(&expected).cloned().collect();
            assert_eq!(left_out, missing, "{options:?}");

            let target = server.database().await;
            restore_into(&target, &path).await;
            assert_eq!(present(&target).await, expected, "{options:?}");
        }
    }

    /// A pattern that matches nothing is a mistake that would be found out only at the restore.
    async fn what_matches_nothing_is_refused_by_its_name(server: TestServer) {
        let database = shop(&server).await;
        let all = DumpOptions::default;
        let elsewhere = format!("{}x.orders", database.name);
        for (options, name) in [
            (include(&["order*", "nothing_*"]), "nothing_*"),
            (include(&["view:orders"]), "view:orders"),
            (include(&["ORDERS"]), "ORDERS"),
            (include(&[&elsewhere]), elsewhere.as_str()),
            (exclude(&["order??"]), "order??"),
            (exclude(&["package body:*"]), "package body:*"),
            (all().without_rows_of(selector("v_orders")), "v_orders"),
            (include(&["orders"]).without_rows_of(selector("log_a")), "log_a"),
            (all().with_where("v_orders", "id = 1"), "v_orders"),
            (all().with_where("order*", "id = 1"), "order*"),
            (exclude(&["table:orders", "v_orders"]).with_where("orders", "id = 1"), "orders"),
            (all().with_where(elsewhere.as_str(), "id = 1"), elsewhere.as_str()),
        ] {
            let (directory, path) = scratch();
            let error = dump_to_path(&connect(&database), &path, &options, &Context::new())
                .await
                .unwrap_err();
            assert_error(&server, &error, ErrorKind::Config, &[name]);
            assert_eq!(files_in(directory.path()), [""; 0]);
        }
        assert_eq!("a[".parse::<snapdump::Selector>().unwrap_err().kind(), ErrorKind::Config);
    }
}
