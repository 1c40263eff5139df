//! What happens to servers: killed, restarted, set to read only, out of connections, out of room;
//! and what they refuse: deadlocks, waits for locks, packets that are too large.

use std::time::{Duration, Instant};

use mysql_async::prelude::Queryable as _;
use snapdump::{
    Context, DumpOptions, ErrorKind, ManagerOptions, Phase, RestoreRequest, TargetState, TlsMode,
    dump, dump_to_path, restore,
};

use super::figure;
use super::jobs::name;
use super::private::PrivateServer;
use super::property::{After, Found};
use super::proxy::Proxy;
use super::world::{BOUND, End, World, impatient};
use crate::backup::{Cleanup, assert_error, files_in, plain};
use crate::gate::gated;
use crate::harness::{TestServer, soon};
use crate::roundtrip::connect;

/// How long a host that vanishes may hold others back.
const HELD_BACK: Duration = Duration::from_secs(20);

/// Runs `work` with a restore that is held before the statement that has `text` in it.
async fn held_restore(
    world: &World,
    options: &snapdump::ConnectOptions,
    text: &'static str,
    work: impl AsyncFnOnce(),
) -> snapdump::Result<snapdump::RestoreReport> {
    let options = options.clone().with_tls_mode(TlsMode::Disabled);
    let proxy = Proxy::hold_at(&options, text, 0).await;
    let (connect, backup, how) = (proxy.options(&options), world.backup(), world.restore_options());
    let running =
        tokio::spawn(async move { restore(&connect, backup, &how, &Context::new()).await });
    proxy.held().await;
    work().await;
    proxy.release();
    let since = Instant::now();
    let done = tokio::time::timeout(BOUND, running).await.expect("no end").unwrap();
    assert!(since.elapsed() < BOUND);
    done
}

/// A dump that is held before the statement that has `text` in it.
async fn held_dump(
    world: &World,
    options: &snapdump::ConnectOptions,
    text: &'static str,
) -> (Proxy, tokio::task::JoinHandle<snapdump::Result<snapdump::DumpReport>>) {
    let options = options.clone().with_tls_mode(TlsMode::Disabled);
    let proxy = Proxy::hold_at(&options, text, 0).await;
    let (connect, path) = (proxy.options(&options), world.directory.path().join("dump.sql.gz"));
    let running = tokio::spawn(async move {
        dump_to_path(&connect, path, &DumpOptions::default(), &Context::new()).await
    });
    proxy.held().await;
    (proxy, running)
}

/// Everything that is done to a server as a whole, one after the other: a server takes a second or
/// two to start.
async fn whole_server_faults(shared: &TestServer) {
    let mut private = PrivateServer::like(shared).await;
    let server = private.server.clone();
    let world = World::make(&server, 200).await;

    // Killed in the middle of a dump, then of a restore.
    let (proxy, running) = held_dump(&world, &world.from(), "FROM `items`").await;
    private.kill().await;
    proxy.release();
    let error = tokio::time::timeout(BOUND, running).await.expect("no end").unwrap().unwrap_err();
    assert_error(&server, &error, ErrorKind::Connect, &[]);
    assert!(error.is_retryable());
    assert_eq!(files_in(world.directory.path()), [""; 0]);
    private.start_again(&[]).await;
    assert_eq!(
        world.assert_property(After::Operation, "killed during a dump").await.end,
        End::Before
    );

    for (text, end) in [
        ("CONSISTENT SNAPSHOT", End::Before),
        ("CREATE TABLE `only_new`", End::Between),
        ("INSERT INTO `items`", End::Between),
    ] {
        let done = held_restore(&world, &world.to(), text, async || private.kill().await).await;
        let error = done.unwrap_err();
        let kind = if end == End::Before { ErrorKind::RestorePoint } else { ErrorKind::Connect };
        assert_error(&server, &error, kind, &[]);
        private.start_again(&[]).await;
        assert_eq!(
            world.assert_property(After::Operation, &format!("killed at {text}")).await.end,
            end
        );
    }

    killed_under_a_job(&mut private, &world).await;
    started_anew(&mut private, &world).await;

    // Shut down in an orderly way, and started again.
    let text = "INSERT INTO `items`";
    let done = held_restore(&world, &world.to(), text, async || private.shut_down().await).await;
    assert_error(&server, &done.unwrap_err(), ErrorKind::Connect, &[]);
    // A server that cannot take packets as large as the script's statements.
    private.start_again(&["--max-allowed-packet=4096"]).await;
    assert_eq!(world.assert_property(After::Operation, "shut down").await.end, End::Between);

    let error = restore(&world.to(), world.backup(), &world.restore_options(), &Context::new())
        .await
        .unwrap_err();
    // Found out before anything is changed.
    assert_error(&server, &error, ErrorKind::Config, &["max_allowed_packet"]);

    assert_eq!(world.assert_property(After::Operation, "a small packet").await.end, End::Before);
    private.run(&["SET GLOBAL max_allowed_packet = 16777216"]).await;
    soon_idle(&private, &world).await;
    read_only(&private, &world).await;
    no_connection_left(&private, &world).await;
    vanished_with_the_lock(&world).await;
    super::disk::of_the_server(&private).await;
}

/// A server that soon closes idle connections does not close ours: neither those of a dump nor those
/// of a restore, nor the one that holds the lock of a job.
async fn soon_idle(private: &PrivateServer, world: &World) {
    world.prepare_directory();
    private.run(&["SET GLOBAL wait_timeout = 3"]).await;
    let (output, mut gate) = gated(500);
    let from = world.from();
    let running = tokio::spawn(async move { dump(&from, output, &plain(), &Context::new()).await });
    gate.held().await;
    let to = world.to().with_tls_mode(TlsMode::Disabled);
    let proxy = Proxy::hold_at(&to, "INSERT INTO `items`", 0).await;
    let manager = world.manager(&proxy.options(&to), ManagerOptions::default()).await;
    let job = manager.restore(RestoreRequest::new(name())).await.unwrap();
    proxy.held_before(job.wait()).await;
    tokio::time::sleep(Duration::from_millis(4_500)).await;
    gate.open();
    proxy.release();
    running.await.unwrap().unwrap();
    if let Err(error) = job.wait().await {
        panic!("{}: {}", world.server.name, error.chain());
    }
    manager.shutdown(false).await;
    private.run(&["SET GLOBAL wait_timeout = 28800"]).await;
    let Found { status, end } = world.assert_property(After::Job, "soon idle").await;
    assert_eq!((status.unwrap().target, end), (Some(TargetState::Restored), End::After));
    world.empty_directory();
    assert_eq!(world.assert_property(After::Operation, "soon idle").await.end, End::Before);
}

/// Killed in the middle of the replay of a job, and started again: the job brings back what was there.
async fn killed_under_a_job(private: &mut PrivateServer, world: &World) {
    world.prepare_directory();
    let to = world.to().with_tls_mode(TlsMode::Disabled);
    let proxy = Proxy::hold_at(&to, "INSERT INTO `items`", 0).await;
    let manager = world.manager(&proxy.options(&to), ManagerOptions::default()).await;
    let job = manager.restore(RestoreRequest::new(name())).await.unwrap();
    proxy.held().await;
    private.kill().await;
    proxy.release();
    // For a while there is nobody to roll back with.
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert!(!job.status().state.is_terminal(), "{:?}", job.status());
    private.start_again(&[]).await;
    let error = tokio::time::timeout(BOUND, job.wait()).await.expect("no end").unwrap_err();
    assert_error(&world.server, &error, ErrorKind::Connect, &[]);
    assert_eq!(job.status().target, Some(TargetState::RolledBack), "{:?}", job.status());
    manager.shutdown(false).await;
    let end = world.assert_property(After::Job, "killed under a job").await.end;
    assert_eq!(end, End::Before);
}

/// A connection of ours whose server was started anew is not killed by its number: that is somebody
/// else's now.
async fn started_anew(private: &mut PrivateServer, world: &World) {
    // Patient: nobody looks after the connections before they are dropped.
    let (proxy, running) = held_dump(world, &connect(&world.source), "FROM `items`").await;
    // As when the host goes down: it does not say goodbye.
    proxy.keep_open();
    let mut conn = private.conn().await;
    let list = "SELECT ID FROM information_schema.PROCESSLIST WHERE ID <> CONNECTION_ID() AND USER = 'root'";
    let ours: Vec<u32> = conn.query(list).await.unwrap();
    drop(conn);
    let newest = ours.iter().copied().max().expect("connections of the dump");
    // Longer than the new server will have run.
    tokio::time::sleep(Duration::from_secs(5)).await;
    private.kill().await;
    private.start_again(&[]).await;
    let mut others = Vec::new();
    loop {
        let conn = private.conn().await;
        let number = conn.id();
        if ours.contains(&number) {
            others.push(conn);
        } else {
            conn.disconnect().await.unwrap();
        }
        if number >= newest {
            break;
        }
    }
    assert!(!others.is_empty(), "{}: {ours:?}", world.server.name);
    running.abort();
    assert!(running.await.unwrap_err().is_cancelled());
    tokio::time::sleep(Duration::from_secs(2)).await;
    for mut other in others {
        other.query_drop("DO 1").await.expect("a connection of somebody else was killed");
        other.disconnect().await.unwrap();
    }
    proxy.stop().await;
    assert_eq!(world.assert_property(After::Operation, "started anew").await.end, End::Before);
}

/// A server that becomes read only under a restore; a dump of it goes on.
async fn read_only(private: &PrivateServer, world: &World) {
    let server = &private.server;
    let to = impatient(&private.plain_account(&world.target.name).await);
    let mut switch = vec![("SET GLOBAL read_only = ON", "SET GLOBAL read_only = OFF")];
    if !server.is_mariadb() {
        switch.push(("SET GLOBAL super_read_only = ON", "SET GLOBAL read_only = OFF"));
    }
    for (on, off) in switch {
        let done = held_restore(world, &to, "DROP TABLE IF EXISTS", async || {
            private.run(&[on]).await;
        })
        .await;
        let error = done.unwrap_err();
        assert_error(server, &error, ErrorKind::Server, &[]);
        assert_eq!(error.server().unwrap().number, 1290, "{}", error.chain());
        let path = world.directory.path().join("read_only.sql.gz");
        dump_to_path(&world.from(), path, &DumpOptions::default(), &Context::new()).await.unwrap();
        private.run(&[off]).await;
        assert_eq!(world.assert_property(After::Operation, on).await.end, End::Before);
    }
}

async fn no_connection_left(private: &PrivateServer, world: &World) {
    let server = &private.server;
    private.run(&[&format!("GRANT ALL ON {}.* TO plain@'%'", world.source.name)]).await;
    let from =
        impatient(&connect(&world.source)).with_user("plain").with_password("plain password");
    // One more than the administrator's own: the first connection of a dump, and not the second.
    private.run(&["SET GLOBAL max_connections = 10"]).await;
    let mut held = Vec::new();
    for _ in 0..9 {
        held.push(private.conn().await);
    }
    let path = world.directory.path().join("dump.sql.gz");
    let error =
        dump_to_path(&from, &path, &DumpOptions::default(), &Context::new()).await.unwrap_err();
    assert_error(server, &error, ErrorKind::Connect, &["no free connection"]);
    assert!(error.is_retryable());
    // A restore comes to its restore point.
    let to = impatient(&connect(&world.target)).with_user("plain").with_password("plain password");
    let restores =
        || async { restore(&to, world.backup(), &world.restore_options(), &Context::new()).await };
    let error = restores().await.unwrap_err();
    assert_error(server, &error, ErrorKind::RestorePoint, &["no free connection"]);
    held.push(private.conn().await);
    let error =
        dump_to_path(&from, &path, &DumpOptions::default(), &Context::new()).await.unwrap_err();
    assert_error(server, &error, ErrorKind::Connect, &["no free connection"]);
    let error = restores().await.unwrap_err();
    assert_error(server, &error, ErrorKind::Connect, &["no free connection"]);
    assert_eq!(files_in(world.directory.path()), [""; 0]);
    private.run(&["SET GLOBAL max_connections = 200"]).await;
    for conn in held {
        conn.disconnect().await.unwrap();
    }
    assert_eq!(
        world.assert_property(After::Operation, "no connection left").await.end,
        End::Before
    );
}

/// The network goes while a dump holds commits back: the server lets them go by itself, though
/// nobody has closed the connection.
async fn vanished_with_the_lock(world: &World) {
    let (proxy, running) = held_dump(world, &world.from(), "CONSISTENT SNAPSHOT").await;
    proxy.blackout();
    let commit = world.target.run(&["INSERT INTO only_before VALUES (7)"]);
    let since = Instant::now();
    tokio::time::timeout(BOUND, commit).await.expect("commits are held back for ever");
    let held = since.elapsed();
    assert!(held < HELD_BACK + 4 * soon(), "{}: held back for {held:?}", world.server.name);
    world.target.run(&["DELETE FROM only_before WHERE id = 7"]).await;
    let error = tokio::time::timeout(BOUND, running).await.expect("no end").unwrap().unwrap_err();
    assert_error(&world.server, &error, ErrorKind::Connect, &[]);
    proxy.stop().await;
    assert_eq!(
        world.assert_property(After::Operation, "vanished with the lock").await.end,
        End::Before
    );
}

on_each_server! {
    async fn a_server_as_a_whole(server: TestServer) {
        whole_server_faults(&server).await;
    }

    /// An account that may have few connections: a restore works or says why not, and a job that meets
    /// the limit rolls back as soon as it can.
    async fn an_account_with_few_connections(server: TestServer) {
        let world = World::make(&server, 50).await;
        let account = format!("'{}'@'%'", world.target.name);
        let _cleanup = Cleanup::new(&server, vec![format!("DROP USER {account}")]);
        let mut root = server.conn().await;
        root.query_drop(format!("CREATE USER {account} IDENTIFIED BY 'few connections'")).await.unwrap();
        root.query_drop(format!("GRANT ALL ON *.* TO {account}")).await.unwrap();
        let to = world.to().with_tls_mode(TlsMode::Disabled);
        let to = to.with_user(&world.target.name).with_password("few connections");
        let mut limit = async |connections: u32| {
            root.query_drop(format!("ALTER USER {account} WITH MAX_USER_CONNECTIONS {connections}"))
                .await
                .unwrap();
        };
        let mut ends = Vec::new();
        for connections in [1, 2, 3, 4, 8] {
            figure("faults injected", 1);
            limit(connections).await;
            let what = format!("{connections} connections");
            let done = restore(&to, world.backup(), &world.restore_options(), &Context::new()).await;
            if let Err(error) = &done {
                let kinds = [ErrorKind::Connect, ErrorKind::RestorePoint];
                assert!(kinds.contains(&error.kind()), "{what}: {}", error.chain());
                assert_error(&server, error, error.kind(), &["max_user_connections"]);
            }
            let end = world.assert_property(After::Operation, &what).await.end;
            assert_eq!(done.is_ok(), end == End::After, "{what}");
            ends.push(end);
        }
        assert!(ends.contains(&End::After) && ends.contains(&End::Before), "{ends:?}");

        figure("faults injected into jobs", 1);
        world.prepare_directory();
        let proxy = Proxy::hold_at(&to, "INSERT INTO `items`", 0).await;
        let manager = world.manager(&proxy.options(&to), ManagerOptions::default()).await;
        let job = manager.restore(RestoreRequest::new(name())).await.unwrap();
        proxy.held_before(job.wait()).await;
        limit(1).await;
        proxy.kill_all(&server).await;
        proxy.release();
        let since = Instant::now();
        while job.status().phase != Phase::Rollback {
            assert!(since.elapsed() < BOUND && !job.status().state.is_terminal(), "{:?}", job.status());
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        limit(0).await;
        tokio::time::timeout(BOUND, job.wait()).await.expect("no end").unwrap_err();
        assert_eq!(job.status().target, Some(TargetState::RolledBack), "{:?}", job.status());
        manager.shutdown(false).await;
        proxy.stop().await;
        assert_eq!(world.assert_property(After::Job, "few connections").await.end, End::Before);
    }

    /// A real deadlock: two transactions that lock the same two rows in opposite order.
    async fn a_deadlock_is_told_with_its_number(server: TestServer) {
        let target = server.database().await;
        target
            .run(&[
                "CREATE TABLE one (id INT PRIMARY KEY, v INT)",
                "CREATE TABLE two (id INT PRIMARY KEY, v INT)",
                "INSERT INTO one VALUES (1, 0)",
                "INSERT INTO two VALUES (1, 0), (2, 0), (3, 0), (4, 0), (5, 0), (6, 0)",
            ])
            .await;
        let directory = tempfile::tempdir().unwrap();
        let points = tempfile::tempdir().unwrap();
        let script = directory.path().join("script.sql");
        std::fs::write(
            &script,
            "START TRANSACTION;\nUPDATE one SET v = 1;\nUPDATE two SET v = 1;\nCOMMIT;\n",
        )
        .unwrap();
        let options = impatient(&connect(&target)).with_tls_mode(TlsMode::Disabled);
        let proxy = Proxy::hold_at(&options, "UPDATE two", 0).await;
        let connect = proxy.options(&options);
        let how = snapdump::RestoreOptions::default().with_restore_point_directory(points.path());
        let running =
            tokio::spawn(async move { restore(&connect, script, &how, &Context::new()).await });
        proxy.held().await;
        let mut other = target.conn().await;
        other.query_drop("START TRANSACTION").await.unwrap();
        // More rows than ours, so that ours is the one that is given up.
        other.query_drop("UPDATE two SET v = 2").await.unwrap();
        let waits = tokio::spawn(async move {
            other.query_drop("UPDATE one SET v = 2").await.unwrap();
            other.query_drop("COMMIT").await.unwrap();
            other.disconnect().await.unwrap();
        });
        waits_for_a_lock(&target, "UPDATE one SET v = 2").await;
        proxy.release();
        let error = running.await.unwrap().unwrap_err();
        waits.await.unwrap();
        assert_error(&server, &error, ErrorKind::Server, &["script.sql", "statement 3"]);
        assert_eq!(error.server().unwrap().number, 1213);
        assert!(error.is_retryable());
        assert_eq!(files_in(points.path()).len(), 1, "the restore point");
    }

    async fn a_lock_that_another_holds_is_not_waited_for_for_ever(server: TestServer) {
        let target = server.database().await;
        target.run(&["CREATE TABLE one (id INT PRIMARY KEY, v INT)", "INSERT INTO one VALUES (1, 0)"])
            .await;
        let (directory, points) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let script = directory.path().join("script.sql");
        let how = snapdump::RestoreOptions::default().with_restore_point_directory(points.path());
        let options = impatient(&connect(&target));
        for (lock, text, number) in [
            (
                "UPDATE one SET v = 2",
                "SET SESSION innodb_lock_wait_timeout = 1;\nUPDATE one SET v = 1;\n",
                1205,
            ),
            (
                "SELECT * FROM one",
                "SET SESSION lock_wait_timeout = 1;\nALTER TABLE one ADD COLUMN w INT;\n",
                1205,
            ),
        ] {
            std::fs::write(&script, text).unwrap();
            let mut other = target.conn().await;
            other.query_drop("START TRANSACTION").await.unwrap();
            other.query_drop(lock).await.unwrap();
            let error =
                restore(&options, &script, &how, &Context::new()).await.unwrap_err();
            assert_error(&server, &error, ErrorKind::Server, &["statement 2"]);
            assert_eq!(error.server().unwrap().number, number, "{}", error.chain());
            assert!(error.is_retryable());
            other.disconnect().await.unwrap();
            for point in files_in(points.path()) {
                std::fs::remove_file(points.path().join(point)).unwrap();
            }
        }
    }

    /// No statement of a script waits for a table for ever, unless the script says so.
    async fn a_restore_bounds_its_waits_for_tables(server: TestServer) {
        let target = server.database().await;
        let (directory, points) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let script = directory.path().join("script.sql");
        for (first, expected) in [("DO 1", 300), ("SET SESSION lock_wait_timeout = 4000", 4000)] {
            let text = format!(
                "{first};\nDROP TABLE IF EXISTS waits;\n\
                 CREATE TABLE waits AS SELECT @@session.lock_wait_timeout AS seconds;\n"
            );
            std::fs::write(&script, text).unwrap();
            let how = snapdump::RestoreOptions::default()
                .with_restore_point_directory(points.path());
            restore(&connect(&target), &script, &how, &Context::new()).await.unwrap();
            let seconds = crate::backup::number(&target, "SELECT seconds FROM waits").await;
            assert_eq!(seconds, expected, "{}", server.name);
        }
    }

    /// What a server says when it has no more room.
    async fn a_table_that_is_full(server: TestServer) {
        let target = server.database().await;
        let directory = tempfile::tempdir().unwrap();
        let script = directory.path().join("script.sql");
        std::fs::write(
            &script,
            "SET SESSION max_heap_table_size = 16384;\n\
             CREATE TABLE small (data VARCHAR(1000)) ENGINE = MEMORY;\n\
             INSERT INTO small VALUES (REPEAT('x', 1000)), ('y');\n\
             INSERT INTO small SELECT s.data FROM small s, small t, small u, small v, small w, small x;\n",
        )
        .unwrap();
        let how = snapdump::RestoreOptions::default();
        let error = restore(&impatient(&connect(&target)), &script, &how, &Context::new())
            .await
            .unwrap_err();
        assert_error(&server, &error, ErrorKind::Server, &["statement 4"]);
        assert_eq!(error.server().unwrap().number, 1114);
    }
}

/// Waits until a statement of another connection waits.
async fn waits_for_a_lock(database: &crate::harness::TestDatabase, statement: &str) {
    let mut conn = database.server.conn().await;
    let deadline = Instant::now() + Duration::from_secs(30);
    loop {
        let found = crate::backup::sessions(&mut conn, &database.name).await;
        if found.iter().any(|session| session.ends_with(statement)) {
            break;
        }
        assert!(Instant::now() < deadline, "{found:?}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    conn.disconnect().await.unwrap();
}
