//! Where a dump goes and in which form.

use std::os::unix::fs::PermissionsExt as _;

use snapdump::{
    Compression, Context, DumpOptions, ErrorKind, RestoreOptions, dump, dump_to_path, inspect,
    prepare_reader, verify,
};

use crate::backup::{assert_error, dump_into, files_in, plain, restore_into};
use crate::roundtrip::{connect, gunzip, scratch};
use crate::sample::{differences, sample_database};

on_each_server! {
    /// The levels are gzip's, and a file holds the same whatever its level is.
    async fn a_higher_level_makes_a_smaller_file_of_the_same_text(server: TestServer) {
        let database = sample_database(&server, 2_000).await;
        let (directory, _) = scratch();
        let mut sizes = Vec::new();
        for level in [1, 3, 9] {
            let options =
                DumpOptions::default().with_compression(Compression::gzip(level).unwrap());
            let path = directory.path().join(format!("{level}.sql.gz"));
            let report = dump_into(&database, &path, &options).await;
            assert_eq!(std::fs::metadata(&path).unwrap().len(), report.file_bytes);
            assert_eq!(&std::fs::read(&path).unwrap()[..3], b"\x1f\x8b\x08");
            sizes.push((report.file_bytes, report.sql_bytes));

            let target = server.database().await;
            restore_into(&target, &path).await;
            assert_eq!(differences(&database, &target).await, [""; 0]);
        }
        assert!(sizes[0].0 > sizes[2].0, "{sizes:?}");
        assert!(sizes.iter().all(|size| size.0 * 2 < size.1), "{sizes:?}");
        for level in [0, 10, 255] {
            let error = Compression::gzip(level).unwrap_err();
            assert_error(&server, &error, ErrorKind::Config, &[&level.to_string()]);
        }
    }

    /// A file without compression is a script like any other.
    async fn plain_text_is_restored_by_the_stock_client_and_by_us(server: TestServer) {
        let database = sample_database(&server, 2_000).await;
        let (directory, _) = scratch();
        let path = directory.path().join("backup.sql");
        let report = dump_into(&database, &path, &plain()).await;
        let text = std::fs::read(&path).unwrap();
        assert!(text.starts_with(b"-- snapdump format 1\n"));
        assert_eq!(text.len() as u64, report.file_bytes);
        assert!(!inspect(&path).unwrap().compressed);
        verify(&path, &Context::new()).await.unwrap();

        let theirs = server.database().await;
        theirs.stock_client(&text).await.unwrap();
        assert_eq!(differences(&database, &theirs).await, [""; 0]);
        let ours = server.database().await;
        assert!(restore_into(&ours, &path).await.compared);
        assert_eq!(differences(&database, &ours).await, [""; 0]);
    }

    /// The bytes of a writer are those of a file, and can be restored from a reader.
    async fn any_writer_takes_a_dump_and_any_reader_gives_it_back(server: TestServer) {
        let database = sample_database(&server, 2_000).await;
        let context = Context::new();
        for options in [DumpOptions::default(), plain()] {
            let mut bytes = Vec::new();
            let report =
                dump(&connect(&database), &mut bytes, &options, &context).await.unwrap();
            assert_eq!(bytes.len() as u64, report.file_bytes);
            let (_directory, path) = scratch();
            std::fs::write(&path, &bytes).unwrap();
            let footer = inspect(&path).unwrap();
            assert_eq!(footer.sha256, report.sha256);
            assert_eq!(verify(&path, &context).await.unwrap().rows, report.rows);

            let target = server.database().await;
            let prepared = prepare_reader(
                &connect(&target),
                bytes.as_slice(),
                &RestoreOptions::default(),
                &context,
            )
            .await
            .unwrap();
            assert!(prepared.restore_point().is_none());
            assert!(prepared.apply(&context).await.unwrap().compared);
            assert_eq!(differences(&database, &target).await, [""; 0]);
        }
    }

    /// S8: One statement never holds all rows of a table, nor only a few of them.
    async fn an_insert_is_about_a_mebibyte_long(server: TestServer) {
        let database = server.database().await;
        database
            .run(&[
                "CREATE TABLE t (id INT AUTO_INCREMENT PRIMARY KEY, x VARCHAR(100))",
                "INSERT INTO t (x) VALUES (REPEAT('x', 100))",
            ])
            .await;
        // 32,768 rows of more than 100 bytes each: three statements and a rest.
        for _ in 0..15 {
            database.run(&["INSERT INTO t (x) SELECT x FROM t"]).await;
        }
        let (_directory, path) = scratch();
        let report = dump_into(&database, &path, &DumpOptions::default()).await;
        assert_eq!(report.rows, 1 << 15);
        let text = gunzip(&path);
        let lengths: Vec<usize> = memchr::memmem::find_iter(&text, b"INSERT INTO ")
            .map(|at| memchr::memmem::find(&text[at..], b";\n").unwrap())
            .collect();
        let longest = lengths.iter().max().unwrap();
        assert!((512 << 10..=1100 << 10).contains(longest), "{}: {lengths:?}", server.name);
        assert!((4..8).contains(&lengths.len()), "{}: {lengths:?}", server.name);
        let largest = inspect(&path).unwrap().manifest.largest_statement_bytes;
        assert!(largest.abs_diff(*longest as u64) <= 2, "{largest} {longest}");
    }

    /// The number of threads that compress changes no byte but those that tell the time.
    async fn threads_do_not_change_the_text(server: TestServer) {
        let database = sample_database(&server, 4_000).await;
        let mut texts = Vec::new();
        for threads in [1, 4] {
            let (_directory, path) = scratch();
            let options =
                DumpOptions::default().with_compression_threads(threads).with_connections(1);
            dump_into(&database, &path, &options).await;
            let index = inspect(&path).unwrap().index;
            let sections: Vec<_> = index
                .members
                .into_iter()
                .skip(1)
                .map(|member| (member.section, member.sql_bytes, member.crc32, member.parts))
                .collect();
            let text = gunzip(&path);
            let tables = memchr::memmem::find(&text, b"CREATE TABLE").unwrap();
            let end = memchr::memmem::find(&text, b"\n-- manifest ").unwrap();
            texts.push((sections, text[tables..end].to_vec()));
        }
        assert_eq!(texts[0].0, texts[1].0);
        assert!(texts[0].1 == texts[1].1);
    }

    /// A file that is there is kept unless it may be replaced; the new one is its owner's alone.
    async fn a_file_is_replaced_only_on_request(server: TestServer) {
        let database = sample_database(&server, 300).await;
        let (directory, path) = scratch();
        std::fs::write(&path, "yesterday's").unwrap();
        let connection = connect(&database);
        let context = Context::new();
        let error = dump_to_path(&connection, &path, &DumpOptions::default(), &context)
            .await
            .unwrap_err();
        assert_error(&server, &error, ErrorKind::Io, &["exists already", "backup.sql.gz"]);
        assert_eq!(std::fs::read(&path).unwrap(), b"yesterday's");
        assert_eq!(files_in(directory.path()), ["backup.sql.gz"]);

        let replace = DumpOptions::default().with_overwrite(true);
        // What is there also stays when the new dump fails.
        let failing = replace.clone().with_where("loans", "nonsense");
        dump_to_path(&connection, &path, &failing, &context).await.unwrap_err();
        assert_eq!(std::fs::read(&path).unwrap(), b"yesterday's");
        assert_eq!(files_in(directory.path()), ["backup.sql.gz"]);

        dump_into(&database, &path, &replace).await;
        verify(&path, &context).await.unwrap();
        assert_eq!(files_in(directory.path()), ["backup.sql.gz"]);
        let mode = std::fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
}
