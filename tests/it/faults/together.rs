//! Two processes at once that know nothing of each other.

use snapdump::{ErrorKind, TlsMode};

use super::child::{Child, Errand, JobTask, Limits, Task};
use super::figure;
use super::jobs::name;
use super::property::{After, Found};
use super::proxy::Proxy;
use super::world::{End, World};
use crate::backup::files_in;

on_each_server! {
    /// Two dumps to one name: one file, and one that is told.
    async fn two_dumps_to_one_name(server: TestServer) {
        let world = World::make(&server, 50).await;
        let options = world.to().with_tls_mode(TlsMode::Disabled);
        let proxy = Proxy::hold_at(&options, "FROM `items`", 0).await;
        let (before, _) = server.url.rsplit_once(':').unwrap();
        let port = proxy.options(&options).port();
        let task = Task::Dump { path: world.directory.path().join("dump.sql.gz"), in_pieces: false };
        let mut slow = Errand::new(format!("{before}:{port}/{}", world.source.name), task.clone());
        slow.is_patient = true;
        let mut slow = Child::start(&slow, &Limits::default());
        proxy.held_before(slow.ended()).await;
        let fast = Errand::new(server.url_of(&world.source.name), task);
        let fast = Child::start(&fast, &Limits::default()).end().await.unwrap();
        assert_eq!(fast.kind, None, "{}", fast.chain);
        proxy.release();
        let slow = slow.end().await.unwrap();
        assert_eq!(slow.kind, Some(ErrorKind::Io), "{}", slow.chain);
        assert!(slow.chain.contains("exists"), "{}", slow.chain);
        proxy.stop().await;
        assert_eq!(files_in(world.directory.path()), ["dump.sql.gz"]);
        assert_eq!(world.assert_property(After::Operation, "two dumps").await.end, End::Before);
        figure("faults injected", 1);
    }

    /// Two restores of one database without a manager: what is said of the database is true.
    async fn two_restores_of_one_database(server: TestServer) {
        let world = World::make(&server, 50).await;
        let options = world.to().with_tls_mode(TlsMode::Disabled);
        for text in ["CREATE TABLE `only_new`", "INSERT INTO `items`"] {
            let proxy = Proxy::hold_at(&options, text, 0).await;
            let (before, _) = server.url.rsplit_once(':').unwrap();
            let port = proxy.options(&options).port();
            let points = tempfile::tempdir().unwrap();
            let task = |points: &std::path::Path| Task::Restore {
                backup: world.backup(),
                points: points.to_owned(),
                connections: 1,
            };
            let url = format!("{before}:{port}/{}", world.target.name);
            let mut slow = Errand::new(url, task(world.directory.path()));
            slow.is_patient = true;
            let mut slow = Child::start(&slow, &Limits::default());
            proxy.held_before(slow.ended()).await;
            let url = server.url_of(&world.target.name);
            let fast = Errand::new(url, task(points.path()));
            let fast = Child::start(&fast, &Limits::default()).end().await.unwrap();
            // Nothing of the other's was in its way.
            assert_eq!(fast.kind, None, "{text}: {}", fast.chain);
            proxy.release();
            let slow = slow.end().await.unwrap();
            proxy.stop().await;
            let end = world.assert_property(After::Operation, &format!("two restores, {text}")).await.end;
            // Whoever says that it went well has compared: nobody says so of what is between.
            if slow.kind.is_none() {
                assert_eq!(end, End::After, "{text}");
            }
            figure("faults injected", 1);
        }
    }

    /// Two jobs of two processes: one runs, the other one is told so.
    async fn two_jobs(server: TestServer) {
        let world = World::make(&server, 5).await;
        world.prepare_directory();
        let options = world.to().with_tls_mode(TlsMode::Disabled);
        let proxy = Proxy::hold_at(&options, "INSERT INTO `items`", 0).await;
        let (before, _) = server.url.rsplit_once(':').unwrap();
        let port = proxy.options(&options).port();
        let directory = world.directory.path().to_owned();
        let task = |job| Task::Job { directory: directory.clone(), job };
        let url = format!("{before}:{port}/{}", world.target.name);
        let restore = JobTask::Restore(name().to_string());
        let mut first = Errand::new(url, task(restore.clone()));
        first.is_patient = true;
        let mut first = Child::start(&first, &Limits::default());
        proxy.held_before(first.ended()).await;
        for job in [JobTask::Create, restore, JobTask::Prune] {
            let url = server.url_of(&world.target.name);
            let second = Child::start(&Errand::new(url, task(job)), &Limits::default());
            let second = second.end().await.unwrap();
            assert_eq!(second.kind, Some(ErrorKind::Busy), "{}", second.chain);
        }
        proxy.release();
        let first = first.end().await.unwrap();
        assert_eq!(first.kind, None, "{}", first.chain);
        proxy.stop().await;
        let Found { end, .. } = world.assert_property(After::Job, "two jobs").await;
        assert_eq!(end, End::After);
        figure("faults injected into jobs", 1);
    }
}
