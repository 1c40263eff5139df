//! Jobs that have to do with all databases of a server. Each of these tests has a server of its own,
//! or they would keep out the jobs of all others.

use mysql_async::prelude::Queryable as _;
use snapdump::{
    BackupManager, ConnectOptions, CreateRequest, Databases, DumpOptions, ErrorKind, Job,
    ManagerOptions, Phase, RestoreRequest, RunningJob,
};

use super::phases::{World, cancelled};
use super::setup::{backups_in, completed, open};
use crate::faults::private::PrivateServer;
use crate::faults::proxy::Proxy;
use crate::harness::{TestDatabase, TestServer};
use crate::roundtrip::connect;

/// What is asked for the accounts: before they are dumped, and once more at the very end.
const ACCOUNTS: &str = "SELECT User, Host, IF(";

/// A manager, as on another host: nothing but the server tells it of the others.
async fn elsewhere(
    database: &TestDatabase,
    databases: Databases,
) -> (tempfile::TempDir, BackupManager) {
    let directory = tempfile::tempdir().unwrap();
    let dump = DumpOptions::default().with_databases(databases);
    let options = ManagerOptions::default().with_dump_options(dump);
    let manager = open(connect(database), directory.path(), options).await;
    (directory, manager)
}

fn assert_busy<T: std::fmt::Debug>(refused: snapdump::Result<T>, by: &Job) {
    let error = refused.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Busy, "{}", error.chain());
    assert_eq!(
        RunningJob::of(&error).map(|running| running.id),
        Some(by.id()),
        "{}",
        error.chain()
    );
}

/// A backup of the whole server and jobs on any one database of it keep each other out; jobs on two
/// databases do not.
async fn a_whole_server_and_its_databases(like: TestServer) {
    let private = PrivateServer::like(&like).await;
    let (shop, other) = (private.server.database().await, private.server.database().await);
    for database in [&shop, &other] {
        database.run(&["CREATE TABLE t (id INT)", "INSERT INTO t VALUES (1)"]).await;
    }
    let (_all, all) = elsewhere(&shop, Databases::All).await;
    let (_one, one) = elsewhere(&shop, Databases::Current).await;
    let (_two, two) = elsewhere(&other, Databases::Current).await;
    // A script may lead anywhere, from a connection that is in no database.
    let directory = tempfile::tempdir().unwrap();
    std::fs::write(directory.path().join("a.sql"), "SELECT 1;\n").unwrap();
    let nowhere = ConnectOptions::from_url(&private.server.url).unwrap();
    let script = open(nowhere, directory.path(), ManagerOptions::default()).await;
    let restore = || RestoreRequest::new("a.sql".parse().unwrap());

    let mut blocker = shop.conn().await;
    blocker.query_drop("LOCK TABLES t WRITE").await.unwrap();
    let job = one.create(CreateRequest::manual()).await.unwrap();
    assert_busy(all.create(CreateRequest::manual()).await, &job);
    assert_busy(script.restore(restore()).await, &job);
    completed(&two.create(CreateRequest::manual()).await.unwrap()).await;
    // What was refused has left nothing behind that keeps others out.
    completed(&two.create(CreateRequest::manual()).await.unwrap()).await;
    blocker.query_drop("UNLOCK TABLES").await.unwrap();
    completed(&job).await;

    blocker.query_drop("LOCK TABLES t WRITE").await.unwrap();
    let job = all.create(CreateRequest::manual()).await.unwrap();
    assert_busy(one.create(CreateRequest::manual()).await, &job);
    assert_busy(two.create(CreateRequest::manual()).await, &job);
    assert_busy(script.restore(restore()).await, &job);
    blocker.query_drop("UNLOCK TABLES").await.unwrap();
    blocker.disconnect().await.unwrap();
    completed(&job).await;
    completed(&one.create(CreateRequest::manual()).await.unwrap()).await;

    // The last phase of a backup, held where it asks for the accounts once more.
    let world = World::make(&private.server).await;
    let proxy = Proxy::hold_at(&world.clear_text(), ACCOUNTS, 1).await;
    let named = Databases::Named(vec![world.database.name.clone()]);
    let dump = DumpOptions::default().with_databases(named).with_accounts(true);
    let options = ManagerOptions::default().with_dump_options(dump);
    let manager = open(proxy.options(&world.clear_text()), world.directory.path(), options).await;
    let job = manager.create(CreateRequest::manual()).await.unwrap();
    cancelled(&world, &job, proxy, Phase::Publish).await;
    assert_eq!(backups_in(world.directory.path()), [world.backup.to_string()]);
}

#[tokio::test]
async fn a_whole_server_and_its_databases_mysql() {
    Box::pin(a_whole_server_and_its_databases(TestServer::mysql_9_7())).await;
}

#[tokio::test]
async fn a_whole_server_and_its_databases_mariadb() {
    Box::pin(a_whole_server_and_its_databases(TestServer::mariadb_11_8())).await;
}
