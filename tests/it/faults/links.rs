//! Links that somebody puts where backups are read and written, at the worst moment.

use std::os::unix::fs::symlink;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use futures::TryStreamExt as _;
use snapdump::{
    BackupName, Context, DumpOptions, ErrorKind, ListRequest, ManagerOptions, TlsMode,
    dump_to_path, verify,
};

use super::proxy::Proxy;
use super::{depth, figure};
use crate::backup::files_in;
use crate::harness::TestServer;
use crate::jobs::open;
use crate::roundtrip::connect;

/// What no link may lead to.
const SECRET: &str = "INSERT INTO secrets VALUES ('not for you');\n";
/// What the backup holds that turns into a link.
const HARMLESS: &str = "SELECT 1;\n";

/// Puts a link in the place of a backup and the backup back, until it is told to stop; returns how
/// often.
fn flip(name: &Path, secret: &Path, stops: &AtomicBool) -> u64 {
    let (file, link) = (name.with_extension("file"), name.with_extension("link"));
    let mut flips = 0;
    while !stops.load(Ordering::Relaxed) {
        symlink(secret, &link).unwrap();
        std::fs::rename(&link, name).unwrap();
        std::fs::write(&file, HARMLESS).unwrap();
        std::fs::rename(&file, name).unwrap();
        flips += 1;
    }
    flips
}

/// S4: whenever the link comes, what is read is the backup or nothing.
#[tokio::test]
async fn a_backup_that_turns_into_a_link() {
    let server = TestServer::mariadb_11_8();
    let database = server.database().await;
    let (directory, elsewhere) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let secret = elsewhere.path().join("secret.sql");
    std::fs::write(&secret, SECRET).unwrap();
    let name: BackupName = "some.sql".parse().unwrap();
    let path = directory.path().join(name.as_str());
    std::fs::write(&path, HARMLESS).unwrap();
    let manager = open(connect(&database), directory.path(), ManagerOptions::default()).await;
    let stops = Arc::new(AtomicBool::new(false));
    let (at, inner) = (path.clone(), Arc::clone(&stops));
    let flipping = std::thread::spawn(move || flip(&at, &secret, &inner));
    // Until it has met both, and often.
    let (mut read, mut refused) = (0, 0);
    for tries in 0_u64.. {
        if tries >= depth(2_000, 100_000) && read > 0 && refused > 0 {
            break;
        }
        assert!(tries < 1_000_000, "{read} read, {refused} refused");
        match manager.read(&name, None).await {
            Ok(reader) => {
                let bytes: Vec<_> = reader.into_stream().try_collect().await.unwrap();
                assert_eq!(bytes.concat(), HARMLESS.as_bytes());
                read += 1;
            }
            Err(error) => {
                assert_eq!(error.kind(), ErrorKind::Config, "{}", error.chain());
                refused += 1;
            }
        }
        let list = manager.list(ListRequest::default()).await.unwrap();
        for backup in list.backups {
            assert_eq!(backup.size_bytes, HARMLESS.len() as u64, "{backup:?}");
        }
    }
    stops.store(true, Ordering::Relaxed);
    figure("links put in the place of a backup", flipping.join().unwrap());
}

/// S4: a link at the name of a dump, or in the place of its unfinished file, is not written through.
#[tokio::test]
async fn a_link_where_a_dump_is_written() {
    let server = TestServer::mysql_9_7();
    let database = server.database().await;
    database.run(&["CREATE TABLE items (id INT)", "INSERT INTO items VALUES (1)"]).await;
    let options = connect(&database).with_tls_mode(TlsMode::Disabled);
    let elsewhere = tempfile::tempdir().unwrap();
    let secret = elsewhere.path().join("secret.sql");
    std::fs::write(&secret, SECRET).unwrap();
    for (overwrites, is_partial) in [(false, false), (true, false), (false, true)] {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("dump.sql.gz");
        let proxy = Proxy::hold_at(&options, "FROM `items`", 0).await;
        let (from, to) = (proxy.options(&options), path.clone());
        let how = DumpOptions::default().with_overwrite(overwrites);
        let running =
            tokio::spawn(async move { dump_to_path(&from, to, &how, &Context::new()).await });
        proxy.held().await;
        let partial = files_in(directory.path());
        let [partial] = partial.as_slice() else { panic!("{partial:?}") };
        let place = if is_partial { directory.path().join(partial) } else { path.clone() };
        if is_partial {
            std::fs::remove_file(&place).unwrap();
        }
        symlink(&secret, &place).unwrap();
        figure("links put in the place of a backup", 1);
        proxy.release();
        let ended = running.await.unwrap();
        proxy.stop().await;
        let what = format!("overwrites: {overwrites}, partial: {is_partial}");
        assert_eq!(std::fs::read_to_string(&secret).unwrap(), SECRET, "{what}");
        if overwrites {
            ended.unwrap();
            verify(&path, &Context::new()).await.unwrap();
            assert!(!path.is_symlink(), "{what}");
        } else {
            let error = ended.expect_err(&what);
            assert_eq!(error.kind(), ErrorKind::Io, "{what}: {}", error.chain());
            assert_eq!(path.is_symlink(), !is_partial, "{what}");
        }
    }
}
