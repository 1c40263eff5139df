//! Whether a backup will fit on the disk, as far as can be told before it begins.

use std::os::unix::fs::FileExt as _;
use std::path::Path;

use snapdump::{
    BackupManager, CreateRequest, Error, ErrorKind, ListRequest, ManagerOptions, RestoreRequest,
    TargetState, inspect,
};

use super::setup::{backups_in, completed, manager, open};
use crate::backup::{dump_into, number, plain};
use crate::harness::TestDatabase;
use crate::roundtrip::connect;

/// What stays free, by the managers of these tests.
const RESERVE: u64 = 1 << 20;

/// A backup of more bytes than the disk has: a whole one, but for a hole in front of its manifest that
/// takes no room. Returns how many bytes it seems to have.
async fn swollen(database: &TestDatabase, path: &Path) -> u64 {
    /// The most that one member can have.
    const MEMBER: u64 = 3 << 30;
    dump_into(database, path, &plain()).await;
    let footer = inspect(path).unwrap();
    let bytes = std::fs::read(path).unwrap();
    let mut index = serde_json::to_value(&footer.index).unwrap();
    let members = index["members"].as_array_mut().unwrap();
    let last = footer.index.members.last().unwrap();
    let start = last.offset + last.length;
    let space = rustix::fs::statvfs(path).unwrap();
    let count = space.f_bavail * space.f_frsize * 2 / MEMBER + 1;
    for number in 0..count {
        let mut member = members[0].clone();
        member["offset"] = (start + number * MEMBER).into();
        member["length"] = MEMBER.into();
        member["sql_bytes"] = MEMBER.into();
        members.push(member);
    }
    let lines = bytes[usize::try_from(start).unwrap()..].split_inclusive(|&byte| byte == b'\n');
    let manifest = lines.filter(|line| line.starts_with(b"-- manifest "));
    let mut end: Vec<u8> = manifest.flatten().copied().collect();
    let manifest_at = start + count * MEMBER;
    let index_at = manifest_at + end.len() as u64;
    for line in index.to_string().as_bytes().chunks(900) {
        end.extend([b"-- index ", line, b"\n"].concat());
    }
    let trailer = format!(
        "-- snapdump trailer 1 manifest {manifest_at} index {index_at} end {} sha256 {}",
        manifest_at + end.len() as u64,
        footer.sha256
    );
    end.extend(format!("{trailer:<255}\n").bytes());
    let file = std::fs::File::options().write(true).open(path).unwrap();
    file.set_len(start).unwrap();
    file.write_all_at(&end, manifest_at).unwrap();
    inspect(path).unwrap().file_bytes
}

async fn estimate(manager: &BackupManager) -> u64 {
    let job = manager.create(CreateRequest::manual()).await.unwrap();
    let status = completed(&job).await;
    assert_eq!(manager.job(status.id).await.unwrap().estimated_bytes, status.estimated_bytes);
    status.estimated_bytes.unwrap()
}

/// What an error says is left on the disk, and needed.
fn room(error: &Error) -> (u64, u64) {
    let text = error.chain();
    let (_, text) = text.split_once("the disk of the backup directory has ").unwrap();
    let (left, needed) = text.split_once(" bytes left, and needs ").unwrap();
    (left.parse().unwrap(), needed.parse().unwrap())
}

on_each_server! {
    /// There is room for the reserve, and not for what is expected beyond it.
    async fn an_estimate_refuses_what_the_reserve_allows(server: TestServer) {
        let database = server.database().await;
        database
            .run(&[
                "CREATE TABLE t (id INT PRIMARY KEY) ENGINE=InnoDB \
                 STATS_PERSISTENT=1 STATS_AUTO_RECALC=0",
                "INSERT INTO t VALUES (1), (2), (3)",
                "ANALYZE TABLE t",
            ])
            .await;
        let (directory, manager) = manager(&database).await;
        // Without an earlier backup it is half of what the server has.
        let data = "SELECT CAST(SUM(DATA_LENGTH) AS SIGNED) FROM information_schema.TABLES \
            WHERE TABLE_SCHEMA = DATABASE()";
        let data = u64::try_from(number(&database, data).await).unwrap();
        assert!(data > 0);
        assert_eq!(estimate(&manager).await, data / 2);
        // With one it is a little more than that.
        let first = directory.path().join(&backups_in(directory.path())[0]);
        let first = first.metadata().unwrap().len();
        assert_eq!(estimate(&manager).await, first + first / 8);

        let file = directory.path().join("swollen.sql");
        let bytes = swollen(&database, &file).await;
        std::fs::write(directory.path().join("a.sql"), "DELETE FROM t;\n").unwrap();
        let (jobs, files) = (manager.jobs().await.unwrap(), backups_in(directory.path()));
        let error = manager.create(CreateRequest::manual()).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NoSpace, "{}", error.chain());
        let (left, needed) = room(&error);
        assert_eq!(needed, bytes + bytes / 8 + RESERVE);
        assert!((RESERVE..needed).contains(&left), "{left}: the reserve alone is there");
        // It is the same for a restore, which has to save what is there first.
        let restore = || manager.restore(RestoreRequest::new("a.sql".parse().unwrap()));
        let error = restore().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::RestorePoint, "{}", error.chain());
        assert_eq!(room(&error).1, needed);
        assert_eq!(number(&database, "SELECT COUNT(*) FROM t").await, 3);
        assert_eq!(manager.jobs().await.unwrap(), jobs, "nothing has begun");
        assert_eq!(backups_in(directory.path()), files);
        // What writes nothing needs no room.
        let name = files.iter().find(|name| name.starts_with("manual_")).unwrap();
        let verified = completed(&manager.verify(name.parse().unwrap()).await.unwrap()).await;
        assert_eq!(verified.estimated_bytes, None);

        std::fs::remove_file(file).unwrap();
        let last = manager.list(ListRequest::default()).await.unwrap().backups;
        let last = last.iter().find(|info| info.is_whole()).unwrap().size_bytes;
        let status = completed(&restore().await.unwrap()).await;
        assert_eq!(status.estimated_bytes, Some(last + last / 8));
        assert_eq!(status.target, Some(TargetState::Restored));
    }

    /// Where there is nothing, nothing will be saved, however large a backup of it once was.
    async fn an_empty_database_needs_no_room(server: TestServer) {
        let database = server.database().await;
        database.run(&["CREATE TABLE t (id INT)", "INSERT INTO t VALUES (1)"]).await;
        let directory = tempfile::tempdir().unwrap();
        let manager = open(connect(&database), directory.path(), ManagerOptions::default()).await;
        assert!(estimate(&manager).await > 0);
        database.run(&["DROP TABLE t"]).await;
        assert_eq!(estimate(&manager).await, 0);
    }
}
