//! Servers that cannot be reached or let nobody in, and outputs that cannot be written.

use std::io;
use std::path::Path;
use std::pin::Pin;
use std::task::{Context as Waker, Poll};
use std::time::{Duration, Instant};

use snapdump::{
    ConnectOptions, Context, DumpOptions, ErrorKind, Phase, RestoreOptions, dump, dump_to_path,
    restore,
};
use tokio::io::AsyncWrite;

use crate::backup::{assert_error, assert_no_session_left, dump_into, files_in, plain};
use crate::harness::{TestServer, soon};
use crate::roundtrip::{connect, scratch};
use crate::sample::sample_database;

/// Asserts that neither a dump nor a restore comes further than to connecting.
async fn assert_no_connection(
    server: &TestServer,
    connection: &ConnectOptions,
    kind: ErrorKind,
    words: &[&str],
) {
    let (directory, path) = scratch();
    let context = Context::new();
    let error =
        dump_to_path(connection, &path, &DumpOptions::default(), &context).await.unwrap_err();
    assert_error(server, &error, kind, words);
    assert_eq!(files_in(directory.path()), [""; 0]);
    assert_eq!(context.progress().phase, Phase::Connect);

    std::fs::write(&path, "CREATE TABLE t (id INT);\n").unwrap();
    let error = restore(connection, &path, &RestoreOptions::default(), &context).await.unwrap_err();
    assert_error(server, &error, kind, words);
    assert_eq!(files_in(directory.path()), ["backup.sql.gz"]);
}

/// An output that fails after so many bytes.
struct Breaking(usize);

impl AsyncWrite for Breaking {
    fn poll_write(
        mut self: Pin<&mut Self>,
        _: &mut Waker<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let taken = bytes.len().min(self.0);
        if taken == 0 && !bytes.is_empty() {
            return Poll::Ready(Err(io::Error::other("the tape\nis torn")));
        }
        self.0 -= taken;
        Poll::Ready(Ok(taken))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Waker<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Waker<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

on_each_server! {
    async fn a_wrong_password_is_an_auth_error(server: TestServer) {
        let database = server.database().await;
        let wrong = connect(&database).with_password("not the right one");
        assert_no_connection(&server, &wrong, ErrorKind::Auth, &["`root`", "password"]).await;
        let context = Context::new();
        let error = wrong.check_connection(&context).await.unwrap_err();
        assert_eq!(error.server().unwrap().number, 1045);
        for text in [error.chain(), format!("{error:?}"), format!("{wrong:?}")] {
            assert!(!text.contains("not the right one"), "{text}");
        }
        let nobody = connect(&database).with_user("nobody of that name");
        assert_no_connection(&server, &nobody, ErrorKind::Auth, &["`nobody of that name`"]).await;
    }

    async fn an_unknown_database_is_named(server: TestServer) {
        let database = server.database().await;
        let unknown = format!("{}_unknown", database.name);
        let connection = connect(&database).with_database(&unknown);
        assert_no_connection(&server, &connection, ErrorKind::Config, &[&unknown]).await;
    }

    async fn a_server_that_is_not_there_is_a_connect_error(server: TestServer) {
        let database = server.database().await;
        // A port that was free a moment ago.
        let port = {
            let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
            listener.local_addr().unwrap().port()
        };
        let connection = connect(&database).with_port(port);
        let place = format!("127.0.0.1:{port}");
        assert_no_connection(&server, &connection, ErrorKind::Connect, &[&place]).await;
        let connection = connect(&database).with_host("no-such-host.invalid");
        let words = ["no-such-host.invalid"];
        assert_no_connection(&server, &connection, ErrorKind::Connect, &words).await;
        // One that takes connections and never says a word.
        let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let connection = connect(&database)
            .with_port(silent.local_addr().unwrap().port())
            .with_connect_timeout(Duration::from_millis(300));
        let since = Instant::now();
        assert_no_connection(&server, &connection, ErrorKind::Connect, &["0.3 s"]).await;
        assert!(since.elapsed() < Duration::from_secs(5));
    }

    async fn an_output_that_cannot_be_written_is_an_io_error(server: TestServer) {
        let database = sample_database(&server, 300).await;
        let (directory, path) = scratch();
        let context = Context::new();
        std::fs::write(directory.path().join("file"), "").unwrap();
        for (to, kind) in [
            (directory.path().join("missing/backup.sql.gz"), ErrorKind::Io),
            (directory.path().join("file/backup.sql.gz"), ErrorKind::Io),
            // Nobody may write here, not even root.
            (Path::new("/proc/backup.sql.gz").to_owned(), ErrorKind::Io),
            (directory.path().to_owned(), ErrorKind::Io),
            (Path::new("/").to_owned(), ErrorKind::Io),
        ] {
            let error = dump_to_path(&connect(&database), &to, &DumpOptions::default(), &context)
                .await
                .unwrap_err();
            assert_error(&server, &error, kind, &[&to.display().to_string()]);
            assert_eq!(files_in(directory.path()), ["file"]);
        }
        // A directory is not replaced by a file either.
        let replace = DumpOptions::default().with_overwrite(true);
        for to in [directory.path(), Path::new("/"), Path::new("..")] {
            let error =
                dump_to_path(&connect(&database), to, &replace, &context).await.unwrap_err();
            assert_error(&server, &error, ErrorKind::Config, &["directory"]);
        }
        assert_eq!(files_in(directory.path()), ["file"]);
        assert!(!path.exists());
    }

    /// Wherever the output breaks, the dump ends and so does its query.
    async fn an_output_that_breaks_ends_the_dump(server: TestServer) {
        let database = sample_database(&server, 2_000).await;
        let context = Context::new();
        let whole = {
            let mut bytes = Vec::new();
            dump(&connect(&database), &mut bytes, &plain(), &context).await.unwrap();
            bytes.len()
        };
        // The last ones are in the trailer; two dumps differ a little in length.
        for at in [0, 1, 10_000, whole / 2, whole - 400, whole - 200, whole - 100] {
            let error = dump(&connect(&database), Breaking(at), &plain(), &context)
                .await
                .unwrap_err();
            assert_error(&server, &error, ErrorKind::Io, &["could not write", "the tape\\nis torn"]);
            assert_no_session_left(&database, soon()).await;
        }
        let full = tokio::fs::OpenOptions::new().write(true).open("/dev/full").await.unwrap();
        let error =
            dump(&connect(&database), full, &DumpOptions::default(), &context).await.unwrap_err();
        assert_error(&server, &error, ErrorKind::NoSpace, &["No space left"]);
        assert_no_session_left(&database, soon()).await;
    }

    /// A file that takes the name while the dump runs is not replaced.
    async fn a_file_that_appears_meanwhile_is_kept(server: TestServer) {
        let database = server.database().await;
        database.run(&["CREATE TABLE t (id INT)", "INSERT INTO t VALUES (1)"]).await;
        let (directory, path) = scratch();
        let connection = connect(&database);
        let to = path.clone();
        let running = tokio::spawn(async move {
            let slow = DumpOptions::default().with_where("t", "SLEEP(1) = 0");
            dump_to_path(&connection, to, &slow, &Context::new()).await
        });
        while files_in(directory.path()).is_empty() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        let partial = files_in(directory.path());
        assert!(partial[0].ends_with(".partial"), "{partial:?}");
        std::fs::write(&path, "somebody else's").unwrap();
        let error = running.await.unwrap().unwrap_err();
        assert_error(&server, &error, ErrorKind::Io, &["exists already"]);
        assert_eq!(std::fs::read(&path).unwrap(), b"somebody else's");
        assert_eq!(files_in(directory.path()), ["backup.sql.gz"]);
        dump_into(&database, &directory.path().join("second"), &DumpOptions::default()).await;
    }
}
