//! Tables without transactions: no snapshot covers them, so they are held still, named, or refused.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use mysql_async::prelude::Queryable as _;
use snapdump::{
    ConnectOptions, Context, DumpOptions, ErrorKind, Held, NonTransactional, dump, dump_to_path,
    inspect,
};

use crate::backup::plain;
use crate::gate::gated;
use crate::harness::{TestDatabase, TestServer};
use crate::roundtrip::{connect, scratch};

/// Engines without transactions that both flavours have.
const ENGINES: [&str; 3] = ["MyISAM", "MEMORY", "CSV"];

async fn database(server: &TestServer) -> TestDatabase {
    let database = server.database().await;
    for engine in ENGINES {
        let name = engine.to_lowercase();
        database
            .run(&[
                &format!("CREATE TABLE {name} (a INT NOT NULL) ENGINE={engine}"),
                &format!("INSERT INTO {name} VALUES (1), (2)"),
            ])
            .await;
    }
    database.run(&["CREATE TABLE transactional (a INT) ENGINE=InnoDB"]).await;
    database
}

/// An account with the rights on the database that it is given, and those that a dump needs.
async fn account(database: &TestDatabase, rights: &str) -> ConnectOptions {
    let name = format!("u_{}", database.name);
    let routines =
        if database.server.is_mariadb() { "SELECT ON mysql.proc" } else { "SHOW_ROUTINE ON *.*" };
    database
        .run(&[
            &format!("CREATE USER {name}@'%' IDENTIFIED BY 'secret'"),
            &format!("GRANT {rights} ON {}.* TO {name}@'%'", database.name),
            &format!("GRANT {routines} TO {name}@'%'"),
            &format!("GRANT PROCESS ON *.* TO {name}@'%'"),
        ])
        .await;
    connect(database).with_user(name).with_password("secret")
}

const READ: &str = "SELECT, SHOW VIEW, TRIGGER, EVENT";

on_each_server! {
    /// F12: The manifest names each of them, and says how it was held.
    async fn they_are_held_and_named(server: TestServer) {
        let database = database(&server).await;
        let (_directory, path) = scratch();
        let options = DumpOptions::default();
        let report =
            dump_to_path(&connect(&database), &path, &options, &Context::new()).await.unwrap();
        assert_eq!(report.warnings, [""; 0]);
        for object in inspect(&path).unwrap().manifest.objects {
            let expected = (object.name.name() != "transactional").then_some(Held::ReadLock);
            assert_eq!(object.held, expected, "{object:?}");
        }
    }

    /// Nobody writes to one while it is read, and everybody may before and after.
    async fn nobody_writes_to_one_while_it_is_read(server: TestServer) {
        let database = server.database().await;
        database
            .run(&[
                "CREATE TABLE large (id INT AUTO_INCREMENT PRIMARY KEY, text LONGTEXT) ENGINE=MyISAM",
                "INSERT INTO large (text) VALUES (REPEAT('x', 100000))",
            ])
            .await;
        for _ in 0..8 {
            database.run(&["INSERT INTO large (text) SELECT text FROM large"]).await;
        }
        let (output, mut gate) = gated(100_000);
        let connection = connect(&database);
        let options = plain().with_compression_threads(1);
        let dumping =
            tokio::spawn(async move { dump(&connection, output, &options, &Context::new()).await });
        gate.held().await;
        let written = Arc::new(AtomicBool::new(false));
        let mut conn = database.conn().await;
        let done = Arc::clone(&written);
        let writing = tokio::spawn(async move {
            conn.query_drop("INSERT INTO large (text) VALUES ('late')").await.unwrap();
            done.store(true, Ordering::Relaxed);
            conn.disconnect().await.unwrap();
        });
        tokio::time::sleep(Duration::from_millis(500)).await;
        assert!(!written.load(Ordering::Relaxed), "somebody wrote while it was read");
        gate.open();
        assert_eq!(dumping.await.unwrap().unwrap().rows, 256);
        writing.await.unwrap();
    }

    /// An account that may not lock is warned of, unless the options insist on the lock.
    async fn without_the_right_to_lock(server: TestServer) {
        let database = database(&server).await;
        let connect = account(&database, READ).await;
        let (_directory, path) = scratch();
        let options = DumpOptions::default();
        let report = dump_to_path(&connect, &path, &options, &Context::new()).await.unwrap();
        let held = inspect(&path).unwrap().manifest.objects;
        assert_eq!(held.iter().filter(|object| object.held == Some(Held::Nothing)).count(), 3);
        for engine in ENGINES {
            let named = format!("`{}`.`{}`", database.name, engine.to_lowercase());
            assert!(report.warnings.iter().any(|text| text.contains(&named)), "{report:?}");
        }
        let options = DumpOptions::default().with_nontransactional(NonTransactional::RequireLock);
        let error = dump(&connect, Vec::new(), &options, &Context::new()).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Privilege, "{error:?}");
        assert!(error.to_string().contains("GRANT LOCK TABLES ON"), "{error}");
        database.run(&[&format!("GRANT LOCK TABLES ON {}.* TO u_{}", database.name, database.name)]).await;
        dump(&connect, Vec::new(), &options, &Context::new()).await.unwrap();
        database.run(&[&format!("DROP USER u_{}", database.name)]).await;
    }

    /// They can be refused, by name; not so when their rows are not asked for.
    async fn they_can_be_refused(server: TestServer) {
        let database = database(&server).await;
        let options = DumpOptions::default().with_nontransactional(NonTransactional::Refuse);
        let connect = connect(&database);
        let error = dump(&connect, Vec::new(), &options, &Context::new()).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unsupported, "{error:?}");
        for engine in ENGINES {
            assert!(error.to_string().contains(&engine.to_lowercase()), "{error}");
        }
        let options = options.with_rows(false);
        dump(&connect, Vec::new(), &options, &Context::new()).await.unwrap();
    }

    /// A table that is being written to is not waited for long: writers would queue behind it.
    async fn a_writer_is_not_waited_for_long(server: TestServer) {
        let database = database(&server).await;
        let mut conn = database.conn().await;
        conn.query_drop("LOCK TABLES myisam WRITE").await.unwrap();
        let started = std::time::Instant::now();
        let options = plain();
        let dumped = dump(&connect(&database), Vec::new(), &options, &Context::new()).await;
        let error = dumped.unwrap_err();
        assert!(started.elapsed() < Duration::from_secs(40), "{:?}", started.elapsed());
        assert_eq!(error.location().object.as_ref().unwrap().name(), "myisam", "{error:?}");
        assert!(error.is_retryable(), "{error:?}");
        conn.disconnect().await.unwrap();
    }
}
