//! What a script needs and a `MySQL` server lacks or forbids, found before anything is changed.

use snapdump::{Context, DumpOptions, ErrorKind, RestoreOptions, prepare, restore};

use crate::backup::{assert_error, dump_into, present, restore_with, state};
use crate::compare::compare;
use crate::faults::private::PrivateServer;
use crate::harness::TestServer;
use crate::roundtrip::{connect, scratch};

const SRID: &str = "1717171717";

fn create_system() -> String {
    format!(
        "CREATE SPATIAL REFERENCE SYSTEM {SRID} NAME 'of the tests' DEFINITION \
         'GEOGCS[\"of the tests\",DATUM[\"x\",SPHEROID[\"x\",6378137,298]],PRIMEM[\"y\",0],\
         UNIT[\"degree\",0.017],AXIS[\"Lat\",NORTH],AXIS[\"Lon\",EAST]]'"
    )
}

/// The dump names the columns; a server without the system refuses them before anything is changed,
/// unless the script makes it.
#[tokio::test]
async fn a_spatial_reference_system_that_only_one_server_has() {
    let private = PrivateServer::like(&TestServer::mysql_9_7()).await;
    let server = &private.server;
    private.run(&[&create_system()]).await;
    let source = server.database().await;
    source
        .run(&[&format!(
            "CREATE TABLE places (id INT PRIMARY KEY, usual POINT SRID 4326, none GEOMETRY SRID 0, \
             any_one GEOMETRY, `own` POINT NOT NULL SRID {SRID} COMMENT 'SRID 5', SPATIAL KEY (own))"
        )])
        .await;
    let (directory, path) = scratch();
    let report = dump_into(&source, &path, &DumpOptions::default()).await;
    let [warning] = &report.warnings[..] else { panic!("{:?}", report.warnings) };
    for words in ["`own`", "`places`", SRID] {
        assert!(warning.contains(words), "{warning}");
    }
    restore_with(&server.database().await, &path, &RestoreOptions::default()).await;

    let target = TestServer::mysql_9_7().database().await;
    target.run(&["CREATE TABLE before_it (id INT PRIMARY KEY)"]).await;
    let options = RestoreOptions::default().with_restore_point_directory(directory.path());
    let context = Context::new();
    let error = prepare(&connect(&target), &path, &options, &context).await.unwrap_err();
    assert_error(&target.server, &error, ErrorKind::Unsupported, &[SRID]);
    assert!(error.location().line.is_some());
    assert!(present(&target).await.contains("table before_it"));

    let (_directory, script) = scratch();
    let text = format!("{};\nCREATE TABLE t (p POINT SRID {SRID});\n", create_system());
    std::fs::write(&script, text).unwrap();
    let options = RestoreOptions::default().with_server_statements(true);
    let other = PrivateServer::like(&TestServer::mysql_9_7()).await;
    restore_with(&other.server.database().await, &script, &options).await;
}

/// The copy is like the original where the account may see to that; elsewhere the check says which
/// table would be refused.
#[tokio::test]
async fn servers_that_want_primary_keys() {
    let private = PrivateServer::like(&TestServer::mysql_9_7()).await;
    let server = &private.server;
    let source = server.database().await;
    source
        .run(&[
            "CREATE TABLE keyed (id INT PRIMARY KEY)",
            "CREATE TABLE parted (id INT) PARTITION BY HASH (id) PARTITIONS 2",
            "CREATE TABLE plain (id INT, UNIQUE KEY (id))",
            "INSERT INTO plain VALUES (1), (2)",
        ])
        .await;
    let wanted = state(&source).await;
    let (_directory, path) = scratch();
    dump_into(&source, &path, &DumpOptions::default()).await;
    let target = server.database().await;
    let account = private.plain_account(&target.name).await;
    for (setting, tables) in [
        ("sql_require_primary_key", "the script has 2"),
        ("sql_generate_invisible_primary_key", "has 1"),
    ] {
        private.run(&[&format!("SET GLOBAL {setting} = ON")]).await;
        let context = Context::new();
        let error = restore(&account, &path, &RestoreOptions::default(), &context).await;
        let error = error.unwrap_err();
        assert_error(
            server,
            &error,
            ErrorKind::Unsupported,
            &[setting, tables, "`parted`", "SESSION_VARIABLES_ADMIN"],
        );
        assert_eq!(context.progress().statements_done, 0);
        assert!(present(&target).await.is_empty());

        let copy = server.database().await;
        let report = restore_with(&copy, &path, &RestoreOptions::default()).await;
        assert_eq!(report.warnings, [""; 0]);
        let differences = compare(&wanted, &state(&copy).await);
        assert!(differences.is_empty(), "{setting}: {differences:?}");
        private.run(&[&format!("SET GLOBAL {setting} = OFF")]).await;
    }
}
