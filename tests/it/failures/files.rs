//! Files that are not whole, or no backups at all: refused before the server hears of them.

use std::io::Write as _;
use std::path::Path;

use flate2::Compression as Level;
use flate2::write::GzEncoder;
use snapdump::{
    Compression, Context, DumpOptions, ErrorKind, Phase, RestoreOptions, inspect, restore,
};

use crate::backup::{
    assert_error, dump_into, files_in, number, present, restore_into, restore_with, state,
};
use crate::compare::{Description, compare};
use crate::harness::{TestDatabase, TestServer};
use crate::roundtrip::{connect, scratch};
use crate::sample::{differences, sample_database};

/// A target that holds something, so that any change of it shows.
struct Target {
    database: TestDatabase,
    before: Description,
    files: tempfile::TempDir,
}

impl Target {
    async fn make(server: &TestServer) -> Self {
        let database = server.database().await;
        database
            .run(&[
                "CREATE TABLE keep (id INT PRIMARY KEY, word VARCHAR(20))",
                "INSERT INTO keep VALUES (1, 'one'), (2, 'two')",
                "CREATE VIEW kept AS SELECT * FROM keep",
            ])
            .await;
        let before = state(&database).await;
        Self { database, before, files: tempfile::tempdir().unwrap() }
    }

    /// Asserts that a file is refused by one of these kinds, and that the server never saw a
    /// statement of it. A directory for the restore point is given: nothing else stands between
    /// the file and the server.
    async fn assert_refused(&self, bytes: &[u8], kinds: &[ErrorKind], what: &str) {
        let points = self.files.path().join("points");
        if !points.exists() {
            std::fs::create_dir(&points).unwrap();
        }
        let path = self.files.path().join("file");
        std::fs::write(&path, bytes).unwrap();
        let context = Context::new();
        let options = RestoreOptions::default().with_restore_point_directory(&points);
        let restored = restore(&connect(&self.database), &path, &options, &context).await;
        let error = match restored {
            Ok(report) => panic!("{what} was restored: {report:?}"),
            Err(error) => error,
        };
        assert!(kinds.contains(&error.kind()), "{what}: {}: {}", error.kind(), error.chain());
        let place = path.display().to_string();
        assert_error(&self.database.server, &error, error.kind(), &[&place]);
        let progress = context.progress();
        assert_eq!((progress.phase, progress.statements_done), (Phase::Check, 0), "{what}");
        assert_eq!(files_in(&points), [""; 0], "{what}");
    }

    /// Asserts that the target is what it was.
    async fn assert_untouched(&self) {
        let lines: Vec<_> = compare(&self.before, &state(&self.database).await)
            .iter()
            .map(ToString::to_string)
            .collect();
        assert_eq!(lines, [""; 0]);
    }
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Level::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// One frame.
#[cfg(feature = "zstd")]
fn zstd(bytes: &[u8], checksum: bool) -> Vec<u8> {
    let mut encoder = zstd::Encoder::new(Vec::new(), 3).unwrap();
    encoder.include_checksum(checksum).unwrap();
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// About `count` lengths below `length`, the shortest and the longest ones among them.
fn lengths(length: usize, count: usize) -> Vec<usize> {
    let spread = (0..count).map(|step| length * step / count);
    let mut lengths: Vec<_> =
        spread.chain([1, 2, 10, 18, 19, 20, 30, length - 2, length - 1]).collect();
    lengths.sort_unstable();
    lengths.dedup();
    lengths
}

async fn stock_dump(database: &TestDatabase) -> Vec<u8> {
    let mut options = vec!["--routines", "--events", "--triggers", "--single-transaction"];
    if !database.server.is_mariadb() {
        options.extend(["--set-gtid-purged=OFF", "--no-tablespaces"]);
    }
    database.stock_dump(&options).await
}

fn position(text: &[u8], mark: &str) -> usize {
    memchr::memmem::find(text, mark.as_bytes()).unwrap()
}

on_each_server! {
    /// F21: Cut off at any length, a backup of ours has no footer, and no other tool's file is
    /// allowed to be a fragment of ours.
    async fn a_backup_of_ours_that_was_cut_off_is_refused(server: TestServer) {
        let source = sample_database(&server, 200).await;
        let target = Target::make(&server).await;
        for compression in [Compression::default(), Compression::None] {
            let (_directory, path) = scratch();
            let options = DumpOptions::default().with_compression(compression);
            dump_into(&source, &path, &options).await;
            let bytes = std::fs::read(&path).unwrap();
            let mut cuts = lengths(bytes.len(), 10);
            // Where a member ends, the rest is a whole gzip file of whole statements.
            for member in inspect(&path).unwrap().index.members {
                cuts.push(usize::try_from(member.offset + member.length).unwrap());
            }
            for length in cuts {
                let kinds: &[ErrorKind] = if length < 400 {
                    // Too short to tell whose it is.
                    &[ErrorKind::Manifest, ErrorKind::Codec, ErrorKind::Lex]
                } else {
                    &[ErrorKind::Manifest]
                };
                let what = format!("{compression:?}, {length} bytes");
                target.assert_refused(&bytes[..length], kinds, &what).await;
            }
            // Options for the dumps of other tools change nothing about it.
            std::fs::write(&path, &bytes[..bytes.len() - 300]).unwrap();
            let options = RestoreOptions::default()
                .with_incomplete(true)
                .with_other_databases(true)
                .with_restore_point_directory(target.files.path());
            let error = restore(&connect(&target.database), &path, &options, &Context::new())
                .await
                .unwrap_err();
            assert_error(&server, &error, ErrorKind::Manifest, &["footer"]);
        }
        target.assert_untouched().await;
    }

    /// F22: A byte changed anywhere in a backup of ours: found before the first statement.
    async fn a_backup_of_ours_that_was_changed_is_refused(server: TestServer) {
        let source = sample_database(&server, 200).await;
        let target = Target::make(&server).await;
        for compression in [Compression::default(), Compression::None] {
            let (_directory, path) = scratch();
            let options = DumpOptions::default().with_compression(compression);
            dump_into(&source, &path, &options).await;
            let bytes = std::fs::read(&path).unwrap();
            for at in lengths(bytes.len(), 15) {
                let mut changed = bytes.clone();
                changed[at] ^= 1;
                let kinds = [ErrorKind::Manifest, ErrorKind::Digest];
                let what = format!("{compression:?}, byte {at}");
                target.assert_refused(&changed, &kinds, &what).await;
            }
            let twice = [bytes.as_slice(), &bytes].concat();
            target.assert_refused(&twice, &[ErrorKind::Manifest], "twice the same").await;
            let more = [bytes.as_slice(), b"DROP TABLE keep;\n"].concat();
            let kinds = [ErrorKind::Manifest, ErrorKind::Digest];
            target.assert_refused(&more, &kinds, "a statement more").await;
        }
        target.assert_untouched().await;
    }

    async fn what_is_no_dump_at_all_is_refused(server: TestServer) {
        let target = Target::make(&server).await;
        let all_bytes: Vec<u8> = (0..=255).cycle().take(5_000).collect();
        let utf16: Vec<u8> =
            "CREATE TABLE t (id INT);\n".encode_utf16().flat_map(u16::to_le_bytes).collect();
        for (what, bytes) in [
            ("nothing", Vec::new()),
            ("a line break", b"\n".to_vec()),
            ("a byte order mark", b"\xef\xbb\xbf".to_vec()),
            ("all bytes", all_bytes),
            ("zeros", vec![0; 10_000]),
            ("a PNG picture", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\x02\0".repeat(50)),
            ("a ZIP file", b"PK\x03\x04\x14\0\0\0\x08\0dump.sql".repeat(50)),
            ("a program", b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0".repeat(50)),
            ("text", b"Dear Sir,\nplease find enclosed; yours\n".to_vec()),
            ("a web page", b"<!DOCTYPE html>\n<html><body>404;</body></html>\n".to_vec()),
            ("JSON", b"{\"a\": \"DROP TABLE keep;\"}\n".to_vec()),
            ("only comments", b"-- SQL\n/* DROP TABLE keep; */\n# end\n".to_vec()),
            ("only semicolons", b";;;\n;\n".to_vec()),
            ("UTF-16", utf16),
            ("an open string", b"INSERT INTO keep VALUES (3, 'three);\n".to_vec()),
            ("an open comment", b"/* INSERT INTO keep VALUES (3, 'three');\n".to_vec()),
        ] {
            target.assert_refused(&bytes, &[ErrorKind::Lex], what).await;
            target.assert_refused(&gzip(&bytes), &[ErrorKind::Lex], what).await;
        }
        target.assert_refused(b"\x1f\x8b", &[ErrorKind::Codec], "the start of gzip").await;
        target.assert_refused(b"\x1f\x8b no gzip at all", &[ErrorKind::Codec], "no gzip").await;
        target.assert_refused(&gzip(&gzip(b"SELECT 1;\n")), &[ErrorKind::Lex], "gzip twice").await;
        target.assert_untouched().await;

        let missing = target.files.path().join("missing");
        for path in [missing.as_path(), target.files.path()] {
            let options = RestoreOptions::default();
            let error = restore(&connect(&target.database), path, &options, &Context::new())
                .await
                .unwrap_err();
            assert_error(&server, &error, ErrorKind::Io, &[&path.display().to_string()]);
        }
    }

    /// The stock tools end a whole dump by a line that says so.
    async fn a_stock_dump_that_was_cut_off_is_refused(server: TestServer) {
        let source = sample_database(&server, 200).await;
        let script = stock_dump(&source).await;
        let target = Target::make(&server).await;
        let end = position(&script, "-- Dump completed");
        for length in lengths(end + 10, 12) {
            let kinds = [ErrorKind::Manifest, ErrorKind::Lex];
            target.assert_refused(&script[..length], &kinds, &format!("{length} bytes")).await;
        }
        // At the end of a statement only the missing line tells.
        target.assert_refused(&script[..end], &[ErrorKind::Manifest], "all but the line").await;
        let cut = gzip(&script[..end]);
        target.assert_refused(&cut, &[ErrorKind::Manifest], "the same compressed").await;
        target.assert_untouched().await;

        // On request it is restored as far as it goes, and the report says that it was cut off.
        let path = target.files.path().join("cut.sql");
        std::fs::write(&path, &script[..end]).unwrap();
        let empty = server.database().await;
        let report = restore_with(&empty, &path, &RestoreOptions::default().with_incomplete(true)).await;
        assert!(report.warnings.iter().any(|line| line.contains("cut off")), "{report:?}");
        let whole = target.files.path().join("whole.sql");
        std::fs::write(&whole, &script).unwrap();
        let other = server.database().await;
        let report = restore_into(&other, &whole).await;
        assert!(!report.warnings.iter().any(|line| line.contains("cut off")), "{report:?}");
        assert_eq!(differences(&other, &empty).await, [""; 0]);
    }

    /// gzip data of another tool has to be whole to its last byte.
    async fn gzip_data_that_is_damaged_is_refused(server: TestServer) {
        let source = sample_database(&server, 200).await;
        let script = stock_dump(&source).await;
        let target = Target::make(&server).await;
        let whole = gzip(&script);
        for length in lengths(whole.len(), 12) {
            if length < 2 {
                // Not even the two bytes that say gzip.
                continue;
            }
            let what = format!("{length} bytes");
            target.assert_refused(&whole[..length], &[ErrorKind::Codec], &what).await;
        }
        let tail = |tail: &[u8]| [whole.as_slice(), tail].concat();
        for garbage in [b"x".as_slice(), b"garbage\n", b"DROP TABLE keep;\n", b"\x1f", b"\x1f\x8b"] {
            let what = format!("a tail of {} bytes", garbage.len());
            target.assert_refused(&tail(garbage), &[ErrorKind::Codec], &what).await;
        }
        // The checksum and the length, which are the last eight bytes.
        for back in 1..=8 {
            let mut wrong = whole.clone();
            let at = wrong.len() - back;
            wrong[at] ^= 1;
            let what = format!("{back} bytes from the end");
            target.assert_refused(&wrong, &[ErrorKind::Codec], &what).await;
        }
        target.assert_untouched().await;

        // Two members behind one another are one text.
        let half = position(&script, "CREATE TABLE");
        let members = [gzip(&script[..half]), gzip(&script[half..])].concat();
        let path = target.files.path().join("members.sql.gz");
        std::fs::write(&path, members).unwrap();
        let (two, one) = (server.database().await, server.database().await);
        restore_into(&two, &path).await;
        one.stock_client(&script).await.unwrap();
        assert_eq!(differences(&one, &two).await, [""; 0]);
    }

    /// zstd data of another tool, likewise.
    #[cfg(feature = "zstd")]
    async fn zstd_data_that_is_damaged_is_refused(server: TestServer) {
        let source = sample_database(&server, 200).await;
        let script = stock_dump(&source).await;
        let target = Target::make(&server).await;
        let whole = zstd(&script, true);
        for length in lengths(whole.len(), 12) {
            if length < 4 {
                // Not even the four bytes that say zstd.
                continue;
            }
            let what = format!("{length} bytes");
            target.assert_refused(&whole[..length], &[ErrorKind::Codec], &what).await;
        }
        let tail = |tail: &[u8]| [whole.as_slice(), tail].concat();
        for garbage in
            [b"x".as_slice(), b"garbage\n", b"DROP TABLE keep;\n", b"\x28", b"\x28\xb5\x2f\xfd", &gzip(b"x")]
        {
            let what = format!("a tail of {} bytes", garbage.len());
            target.assert_refused(&tail(garbage), &[ErrorKind::Codec], &what).await;
        }
        // The checksum, which is the last four bytes.
        for back in 1..=4 {
            let mut wrong = whole.clone();
            let at = wrong.len() - back;
            wrong[at] ^= 1;
            let what = format!("{back} bytes from the end");
            target.assert_refused(&wrong, &[ErrorKind::Codec], &what).await;
        }
        // A backup of ours is none any more when it was packed anew.
        let (_directory, ours) = scratch();
        dump_into(&source, &ours, &crate::backup::plain()).await;
        let packed = zstd(&std::fs::read(&ours).unwrap(), true);
        target.assert_refused(&packed, &[ErrorKind::Manifest], "a backup of ours").await;
        std::fs::write(&ours, &packed).unwrap();
        for error in [
            inspect(&ours).unwrap_err(),
            snapdump::verify(&ours, &Context::new()).await.unwrap_err(),
        ] {
            assert_error(&server, &error, ErrorKind::Manifest, &["compressed by zstd"]);
        }
        target.assert_untouched().await;

        // Two frames behind one another, and one to be skipped in front, are one text, whatever the
        // file is called.
        let half = position(&script, "CREATE TABLE");
        let skipped = [b"\x50\x2a\x4d\x18\x03\0\0\0abc".as_slice()].concat();
        let frames = [skipped, zstd(&script[..half], true), zstd(&script[half..], true)].concat();
        let path = target.files.path().join("frames.sql");
        let one = server.database().await;
        one.stock_client(&script).await.unwrap();
        for (bytes, warned) in [(frames, false), (whole.clone(), false), (zstd(&script, false), true)] {
            std::fs::write(&path, &bytes).unwrap();
            let restored = server.database().await;
            let report = restore_with(&restored, &path, &RestoreOptions::default()).await;
            assert_eq!(report.file_bytes, bytes.len() as u64);
            let warning = report.warnings.iter().any(|line| line.contains("without checksums"));
            assert_eq!(warning, warned, "{report:?}");
            assert_eq!(differences(&one, &restored).await, [""; 0]);
        }
    }

    /// A small file with a statement that never ends: refused without a large part of it in memory.
    #[cfg(feature = "zstd")]
    async fn a_bomb_is_refused_before_it_has_filled_the_memory(server: TestServer) {
        let target = Target::make(&server).await;
        let mut bomb = zstd::Encoder::new(Vec::new(), 3).unwrap();
        // A statement of this length would be refused for that.
        bomb.write_all(b"INSERT INTO keep VALUES (3, 'three');\n/* ").unwrap();
        let piece = vec![b'x'; 1 << 20];
        for _ in 0..100 {
            bomb.write_all(&piece).unwrap();
        }
        bomb.write_all(b" */\n").unwrap();
        let bomb = bomb.finish().unwrap();
        assert!(bomb.len() < 64 << 10, "{}", bomb.len());
        target.assert_refused(&bomb, &[ErrorKind::Codec], "a bomb").await;
        // With a lower limit for statements, gzip and zstd alike.
        let script = format!("INSERT INTO keep VALUES (3, '{}');\n", "x".repeat(8 << 20));
        for packed in [gzip(script.as_bytes()), zstd(script.as_bytes(), true)] {
            let path = target.files.path().join("file");
            std::fs::write(&path, packed).unwrap();
            let options = RestoreOptions::default().with_max_statement_bytes(1 << 20);
            let error = restore(&connect(&target.database), &path, &options, &Context::new())
                .await
                .unwrap_err();
            assert_error(&server, &error, ErrorKind::Lex, &["1048576 bytes"]);
            assert_eq!(error.location().line, Some(1));
        }
        target.assert_untouched().await;
    }

    /// A path can lead to a pipe, which gives its bytes only once.
    async fn a_pipe_is_read_once_and_restored_as_a_file_is(server: TestServer) {
        let source = sample_database(&server, 100).await;
        let (directory, path) = scratch();
        dump_into(&source, &path, &DumpOptions::default()).await;
        let bytes = std::fs::read(&path).unwrap();
        let pipe = directory.path().join("pipe");
        let made = std::process::Command::new("mkfifo").arg(&pipe).status().unwrap();
        assert!(made.success());
        for (length, whole) in [(bytes.len(), true), (bytes.len() - 1, false)] {
            let (to, part) = (pipe.clone(), bytes[..length].to_vec());
            let writer = std::thread::spawn(move || std::fs::write(to, part).unwrap());
            let target = server.database().await;
            let options = RestoreOptions::default();
            let restored = restore(&connect(&target), &pipe, &options, &Context::new()).await;
            writer.join().unwrap();
            if whole {
                let report = restored.unwrap_or_else(|error| panic!("{}", error.chain()));
                assert!(report.compared);
                assert_eq!(differences(&source, &target).await, [""; 0]);
            } else {
                let place = pipe.display().to_string();
                assert_error(&server, &restored.unwrap_err(), ErrorKind::Manifest, &[&place]);
                assert!(present(&target).await.is_empty());
            }
        }
    }

    /// A script that leaves its database has to be allowed to; what it does before does not count.
    async fn a_script_that_names_a_database_needs_leave(server: TestServer) {
        let target = Target::make(&server).await;
        let other = format!("{}_other", target.database.name);
        let _gone = crate::backup::Cleanup::new(
            &server,
            vec![format!("DROP DATABASE IF EXISTS `{other}`")],
        );
        for statement in [
            format!("USE {other}"),
            format!("use `{other}`"),
            format!("CREATE DATABASE IF NOT EXISTS {other}"),
            format!("CREATE DATABASE /*!32312 IF NOT EXISTS*/ `{other}`"),
            format!("/*!40000 DROP DATABASE IF EXISTS `{other}`*/"),
            format!("DROP SCHEMA {other}"),
        ] {
            let script = format!("DROP TABLE keep;\n\n  {statement};\nCREATE TABLE t (id INT);\n");
            target.assert_refused(script.as_bytes(), &[ErrorKind::Config], &statement).await;
            let path = target.files.path().join("file");
            let options = RestoreOptions::default();
            let error = restore(&connect(&target.database), &path, &options, &Context::new())
                .await
                .unwrap_err();
            assert!(error.to_string().contains(&other), "{error}");
            let place = error.location();
            assert_eq!((place.statement, place.line, place.byte), (Some(2), Some(3), Some(20)));
        }
        target.assert_untouched().await;

        let path = target.files.path().join("allowed.sql");
        write_script(&path, &[
            &format!("CREATE DATABASE {other}"),
            &format!("USE {other}"),
            "CREATE TABLE t (id INT)",
            "INSERT INTO t VALUES (1), (2)",
        ]);
        let options = RestoreOptions::default().with_other_databases(true);
        // The database that the connection names is not touched, so it need not be saved.
        restore_with(&target.database, &path, &options).await;
        let rows = format!("SELECT COUNT(*) FROM {other}.t");
        assert_eq!(number(&target.database, &rows).await, 2);
        target.assert_untouched().await;
        // Now the other one holds something.
        let error = restore(&connect(&target.database), &path, &options, &Context::new())
            .await
            .unwrap_err();
        assert_error(&server, &error, ErrorKind::RestorePoint, &[&other]);
        assert_eq!(present(&target.database).await.len(), 2);
    }
}

fn write_script(path: &Path, statements: &[&str]) {
    std::fs::write(path, statements.join(";\n") + ";\n").unwrap();
}
