//! The default encryption of databases (`MySQL`), which a server may let few accounts set.

use mysql_async::prelude::Queryable as _;
use snapdump::{
    ConnectOptions, Context, Databases, DumpOptions, ErrorKind, RestoreOptions, dump_to_path,
    prepare, restore,
};

use crate::backup::{assert_error, dump_into, restore_into, selector};
use crate::faults::private::PrivateServer;
use crate::harness::{TestDatabase, TestServer};
use crate::roundtrip::{connect, gunzip, scratch};

const VIEW: &str = "CREATE VIEW v AS SELECT 1 AS one";

async fn database(server: &TestServer, encryption: char) -> TestDatabase {
    let database = server.database_with(&format!("ENCRYPTION = '{encryption}'")).await;
    // Not a table: it would be encrypted, for which the servers of the tests have no key.
    database.run(&[VIEW]).await;
    database
}

async fn is_encrypted(database: &TestDatabase) -> bool {
    let mut conn = database.conn().await;
    let sql = "SELECT DEFAULT_ENCRYPTION FROM information_schema.SCHEMATA \
               WHERE SCHEMA_NAME = DATABASE()";
    let found: Option<String> = conn.query_first(sql).await.unwrap();
    conn.disconnect().await.unwrap();
    found.unwrap() == "YES"
}

/// Either value replaces the other, and comes back when the restore is taken back.
#[tokio::test]
async fn a_database_comes_back_with_its_default_encryption() {
    let server = TestServer::mysql_9_7();
    for (encryption, other) in [('Y', 'N'), ('N', 'Y')] {
        let source = database(&server, encryption).await;
        let (directory, path) = scratch();
        dump_into(&source, &path, &DumpOptions::default()).await;

        let target = server.database_with(&format!("ENCRYPTION = '{other}'")).await;
        restore_into(&target, &path).await;
        assert_eq!(is_encrypted(&target).await, encryption == 'Y', "{encryption}");
        let target = server.database_with(&format!("ENCRYPTION = '{other}'")).await;
        target.stock_client(&gunzip(&path)).await.unwrap();
        assert_eq!(is_encrypted(&target).await, encryption == 'Y', "{encryption}");

        let target = database(&server, other).await;
        let options = RestoreOptions::default().with_restore_point_directory(directory.path());
        let context = Context::new();
        let prepared = prepare(&connect(&target), &path, &options, &context).await.unwrap();
        let point = prepared.restore_point().unwrap().path().to_owned();
        prepared.apply(&context).await.unwrap();
        assert_eq!(is_encrypted(&target).await, encryption == 'Y', "{encryption}");
        let again = tempfile::tempdir().unwrap();
        let options = RestoreOptions::default().with_restore_point_directory(again.path());
        restore(&connect(&target), &point, &options, &context).await.unwrap();
        assert_eq!(is_encrypted(&target).await, other == 'Y', "{encryption}");
    }
}

/// A part of a database changes nobody's defaults; a database that it makes has those of the source.
#[tokio::test]
async fn a_part_of_a_database_does_not_change_encryption() {
    let server = TestServer::mysql_9_7();
    let source = database(&server, 'Y').await;
    let (_directory, path) = scratch();
    let options = DumpOptions::default().with_include(selector("view:v"));
    dump_into(&source, &path, &options).await;
    let target = server.database_with("ENCRYPTION = 'N'").await;
    restore_into(&target, &path).await;
    assert!(!is_encrypted(&target).await);

    let named = options.with_databases(Databases::Named(vec![source.name.clone()]));
    let (_directory, path) = scratch();
    dump_into(&source, &path, &named).await;
    source.run(&[&format!("DROP DATABASE {}", source.name)]).await;
    let everywhere = ConnectOptions::from_url(&server.url).unwrap();
    restore(&everywhere, &path, &RestoreOptions::default(), &Context::new()).await.unwrap();
    assert!(is_encrypted(&source).await);
}

/// A server can refuse to hear of encryption from an account without `TABLE_ENCRYPTION_ADMIN`, also
/// where nothing would change. Then only what would be in the clear against the script is an error.
#[tokio::test]
async fn a_server_that_lets_few_set_it() {
    let private = PrivateServer::like(&TestServer::mysql_9_7()).await;
    let server = &private.server;
    let clear = database(server, 'N').await;
    let encrypted = database(server, 'Y').await;
    let (directory, path_of_clear) = scratch();
    let path_of_encrypted = directory.path().join("encrypted.sql.gz");
    let path_of_named = directory.path().join("named.sql.gz");
    let context = Context::new();
    dump_into(&clear, &path_of_clear, &DumpOptions::default()).await;
    dump_into(&encrypted, &path_of_encrypted, &DumpOptions::default()).await;
    let named = Databases::Named(vec![clear.name.clone(), encrypted.name.clone()]);
    let named = DumpOptions::default().with_databases(named);
    dump_to_path(&connect(&clear), &path_of_named, &named, &context).await.unwrap();

    let account = private.plain_account(&clear.name).await;
    private
        .run(&[
            &format!("GRANT ALL ON {}.* TO plain@'%'", encrypted.name),
            "GRANT SYSTEM_USER, SET_ANY_DEFINER, ALLOW_NONEXISTENT_DEFINER ON *.* TO plain@'%'",
            "SET GLOBAL table_encryption_privilege_check = ON",
        ])
        .await;
    let kept = |line: &String| line.contains("keeps its default encryption");
    let on_none = ConnectOptions::from_url(&server.url)
        .unwrap()
        .with_user("plain")
        .with_password("plain password");
    let on_encrypted = account.clone().with_database(&encrypted.name);
    for (default, told) in [("OFF", false), ("ON", true)] {
        private.run(&[&format!("SET GLOBAL default_table_encryption = {default}")]).await;
        let points = tempfile::tempdir().unwrap();
        let options = RestoreOptions::default().with_restore_point_directory(points.path());
        // What it is already.
        for (connect, path) in [
            (&account, &path_of_clear),
            (&on_encrypted, &path_of_encrypted),
            (&on_none, &path_of_named),
        ] {
            let report = restore(connect, path, &options, &context).await;
            let report = report.unwrap_or_else(|error| panic!("{default}: {}", error.chain()));
            assert!(!report.warnings.iter().any(kept), "{default}: {:?}", report.warnings);
        }
        // Encryption that the script would end.
        let report = restore(&on_encrypted, &path_of_clear, &options, &context).await.unwrap();
        assert_eq!(report.warnings.iter().any(kept), told, "{default}: {:?}", report.warnings);
        assert_eq!(is_encrypted(&encrypted).await, told, "{default}");
        private.run(&[&format!("ALTER DATABASE {} ENCRYPTION = 'Y'", encrypted.name)]).await;
        // Encryption that there would not be.
        let restored = restore(&account, &path_of_encrypted, &options, &context).await;
        if told {
            restored.unwrap();
            assert!(is_encrypted(&clear).await);
            private.run(&[&format!("ALTER DATABASE {} ENCRYPTION = 'N'", clear.name)]).await;
        } else {
            let error = restored.unwrap_err();
            assert_error(server, &error, ErrorKind::Server, &["3827", "statement"]);
            assert!(!is_encrypted(&clear).await);
        }
    }
}
