//! The text of a dump, word for word as FORMAT.md has it. That it becomes what it was made from is
//! tested elsewhere.

use std::collections::BTreeSet;
use std::path::Path;

use mysql_async::prelude::Queryable as _;
use mysql_async::{Conn, Row, Value};
use snapdump::archive::{Member, Section};
use snapdump::{ConnectOptions, Context, Databases, dump_to_path, inspect};

use crate::backup::{dump_into, plain};
use crate::harness::{TestDatabase, TestServer};
use crate::roundtrip::scratch;

/// A type, a value as it is written into it, and its literal.
type Case = (&'static str, &'static str, &'static str);

/// The SQL mode of the script.
const MODE: &str = "ALLOW_INVALID_DATES,NO_AUTO_VALUE_ON_ZERO";

/// An answer to `SHOW CREATE`.
async fn show(conn: &mut Conn, what: &str) -> Vec<String> {
    let row: Row = conn.query_first(format!("SHOW CREATE {what}")).await.unwrap().unwrap();
    let text = |value| match value {
        Value::Bytes(bytes) => String::from_utf8(bytes).unwrap(),
        other => format!("{other:?}"),
    };
    row.unwrap().into_iter().map(text).collect()
}

/// The text of a member of a plain file.
fn text_of<'a>(file: &'a str, member: &Member) -> &'a str {
    let at = |bytes: u64| usize::try_from(bytes).unwrap();
    &file[at(member.offset)..at(member.offset + member.length)]
}

/// The lines that are neither blank nor comments.
fn statements(text: &str) -> String {
    let told = |line: &&str| !line.trim().is_empty() && !line.starts_with("-- ");
    text.split_inclusive('\n').filter(told).collect()
}

/// Two databases that hold one object of each kind.
async fn two_databases(server: &TestServer) -> [TestDatabase; 2] {
    let one = server.database_with("CHARACTER SET latin1 COLLATE latin1_bin").await;
    let other = server.database_with("CHARACTER SET utf8mb4 COLLATE utf8mb4_bin").await;
    let b = &other.name;
    let mut statements = vec![
        format!("CREATE TABLE {b}.only_one (x INT)"),
        format!("CREATE VIEW {b}.z_first AS SELECT x FROM {b}.only_one"),
        "CREATE TABLE empty_one (x INT)".to_owned(),
        "CREATE TABLE made (x INT AS (5) STORED)".to_owned(),
        "INSERT INTO made () VALUES (), ()".to_owned(),
        // An index that holds all there is to read, in another order.
        "CREATE TABLE ordered (id INT PRIMARY KEY, `w``` INT INVISIBLE, v INT AS (id + 1) VIRTUAL, \
         KEY (`w```, id))"
            .to_owned(),
        "INSERT INTO ordered (id, `w```) VALUES (2, 1), (1, 3), (3, NULL)".to_owned(),
        "CREATE TABLE gone (x INT)".to_owned(),
        format!("CREATE VIEW a_second AS SELECT x FROM {b}.z_first"),
        "CREATE VIEW broken AS SELECT 'one\n;two' AS y FROM gone".to_owned(),
        "DROP TABLE gone".to_owned(),
        "SET NAMES latin1, sql_mode = 'ANSI_QUOTES'".to_owned(),
        "CREATE PROCEDURE p() SELECT ';; //' AS \"x\"".to_owned(),
        "SET NAMES utf8mb4, sql_mode = DEFAULT".to_owned(),
        "ALTER DATABASE COLLATE latin1_german1_ci".to_owned(),
        "CREATE TRIGGER tr BEFORE INSERT ON ordered FOR EACH ROW SET @x = 1".to_owned(),
        "SET time_zone = '+02:00', timestamp = 1577836800".to_owned(),
        "CREATE EVENT e ON SCHEDULE EVERY 1 DAY STARTS '2020-01-01 00:00:00' \
         ENDS '2020-02-01 00:00:00' ON COMPLETION PRESERVE DISABLE DO SET @x = 1"
            .to_owned(),
    ];
    if server.is_mariadb() {
        statements.extend([
            "CREATE SEQUENCE ahead START WITH 10".to_owned(),
            "CREATE SEQUENCE behind START WITH 10 MINVALUE 2".to_owned(),
            "ALTER SEQUENCE behind RESTART WITH 5".to_owned(),
        ]);
    } else {
        statements
            .push(format!("CREATE LIBRARY {b}.lib LANGUAGE JAVASCRIPT AS 'export const x = 1'"));
    }
    let statements: Vec<_> = statements.iter().map(String::as_str).collect();
    one.run(&statements).await;
    [one, other]
}

/// The script from `USE` on that a program becomes. `before` and `after` are what it has around it
/// beyond others; `answer` is its mode, its text, and the character set and collation of its maker.
fn program(
    kind: &str,
    before: &[&str],
    answer: [&str; 4],
    delimiter: &str,
    after: &[&str],
) -> String {
    let [mode, create, charset, collation] = answer;
    let line = |sql: &&str| format!("{sql};\n");
    let [before, after] = [before, after].map(|list| list.iter().map(line).collect::<String>());
    let set = format!(
        "SET character_set_client = {charset}, character_set_results = {charset}, \
         collation_connection = {collation};\n"
    );
    let (set, names) =
        if charset.is_empty() { (String::new(), "") } else { (set, "SET NAMES utf8mb4;\n") };
    format!(
        "{before}SET sql_mode = '{mode}';\nDROP {kind};\n{set}DELIMITER {delimiter}\n{create}\n\
         {delimiter}\nDELIMITER ;\n{names}SET sql_mode = '{MODE}';\n{after}"
    )
}

fn start(mariadb: bool) -> String {
    let mut text = format!(
        "/*!40101 SET @OLD_CHARACTER_SET_CLIENT=@@CHARACTER_SET_CLIENT */;\n\
         /*!40101 SET @OLD_CHARACTER_SET_RESULTS=@@CHARACTER_SET_RESULTS */;\n\
         /*!40101 SET @OLD_COLLATION_CONNECTION=@@COLLATION_CONNECTION */;\n\
         /*!50503 SET NAMES utf8mb4 */;\n\
         /*!40103 SET @OLD_TIME_ZONE=@@TIME_ZONE */;\n\
         /*!40103 SET TIME_ZONE='+00:00' */;\n\
         /*!40014 SET @OLD_UNIQUE_CHECKS=@@UNIQUE_CHECKS, UNIQUE_CHECKS=0 */;\n\
         /*!40014 SET @OLD_FOREIGN_KEY_CHECKS=@@FOREIGN_KEY_CHECKS, FOREIGN_KEY_CHECKS=0 */;\n\
         /*!40101 SET @OLD_SQL_MODE=@@SQL_MODE, SQL_MODE='{MODE}' */;\n\
         /*!40111 SET @OLD_SQL_NOTES=@@SQL_NOTES, SQL_NOTES=0 */;\n"
    );
    if mariadb {
        text.push_str(
            "/*M!100201 SET @OLD_CHECK_CONSTRAINT_CHECKS=@@CHECK_CONSTRAINT_CHECKS, \
             CHECK_CONSTRAINT_CHECKS=0 */;\n",
        );
    } else {
        // There is a stored generated column.
        text.push_str(
            "/*!50112 SET @OLD_LC_TIME_NAMES=@@LC_TIME_NAMES, LC_TIME_NAMES='en_US' */;\n",
        );
    }
    text
}

fn end(mariadb: bool) -> String {
    let checks = "/*M!100201 SET CHECK_CONSTRAINT_CHECKS=@OLD_CHECK_CONSTRAINT_CHECKS */;\n";
    format!(
        "{}/*!40111 SET SQL_NOTES=@OLD_SQL_NOTES */;\n\
         /*!40101 SET SQL_MODE=@OLD_SQL_MODE */;\n\
         /*!40014 SET FOREIGN_KEY_CHECKS=@OLD_FOREIGN_KEY_CHECKS */;\n\
         /*!40014 SET UNIQUE_CHECKS=@OLD_UNIQUE_CHECKS */;\n\
         /*!40103 SET TIME_ZONE=@OLD_TIME_ZONE */;\n\
         /*!40101 SET CHARACTER_SET_CLIENT=@OLD_CHARACTER_SET_CLIENT */;\n\
         /*!40101 SET CHARACTER_SET_RESULTS=@OLD_CHARACTER_SET_RESULTS */;\n\
         /*!40101 SET COLLATION_CONNECTION=@OLD_COLLATION_CONNECTION */;\n",
        if mariadb { checks } else { "/*!50112 SET LC_TIME_NAMES=@OLD_LC_TIME_NAMES */;\n" }
    )
}

/// The tables of the first database.
async fn tables(conn: &mut Conn) -> String {
    let empty = &show(conn, "TABLE empty_one").await[1];
    let generated = &show(conn, "TABLE made").await[1];
    let ordered = &show(conn, "TABLE ordered").await[1];
    format!(
        "{empty};\n{generated};\n{ordered};\nSTART TRANSACTION;\nINSERT INTO `made` () VALUES\n(),\n();\n\
         INSERT INTO `ordered` (`id`,`w```) VALUES\n(1,3),\n(2,1),\n(3,NULL);\nCOMMIT;\n"
    )
}

/// What makes a database, without its default encryption: that is a statement of its own.
async fn create_database(conn: &mut Conn, name: &str) -> String {
    let answer = show(conn, &format!("DATABASE IF NOT EXISTS {name}")).await;
    answer[1].replace(" /*!80016 DEFAULT ENCRYPTION='N' */", "")
}

/// The settings in front of the event of [`two_databases`], which has an end.
const BEFORE_EVENT: &[&str] = &["SET time_zone = '+02:00'", "SET timestamp = 1577836800"];

/// The members of a dump of [`two_databases`], from what the server prints.
async fn expected(databases: &[TestDatabase; 2]) -> Vec<(Section, Option<u32>, String)> {
    let mariadb = databases[0].server.is_mariadb();
    let (a, b) = (&databases[0].name, &databases[1].name);
    let (mut conn, mut conn_b) = (databases[0].conn().await, databases[1].conn().await);
    let mut all = vec![(Section::Start, None, start(mariadb))];
    let mut add = |section, database: u32, text: String| {
        let name = [a, b][database as usize];
        let select =
            if section == Section::Database { String::new() } else { format!("USE `{name}`;\n") };
        all.push((section, Some(database), select + &text));
    };

    let comment = if mariadb { " COMMENT = ''" } else { "" };
    let encryption =
        if mariadb { "" } else { "/*!80016 ALTER DATABASE DEFAULT ENCRYPTION = 'N' */;\n" };
    let create = create_database(&mut conn, a).await;
    add(
        Section::Database,
        0,
        format!(
            "{create};\nUSE `{a}`;\n\
             ALTER DATABASE CHARACTER SET = latin1 COLLATE = latin1_german1_ci{comment};\n\
             {encryption}DROP TABLE IF EXISTS `empty_one`,`made`,`ordered`;\n"
        ),
    );
    if mariadb {
        let ahead = &show(&mut conn, "SEQUENCE ahead").await[1];
        let behind = &show(&mut conn, "SEQUENCE behind").await[1];
        let text = format!(
            "DROP SEQUENCE IF EXISTS `ahead`;\n{ahead};\nDO SETVAL(`ahead`, 10, 0, 0);\n\
             DROP SEQUENCE IF EXISTS `behind`;\n{behind};\n\
             ALTER SEQUENCE `behind` RESTART WITH 2;\nDO SETVAL(`behind`, 5, 0, 0);\n"
        );
        add(Section::Sequences, 0, text);
    }
    add(Section::Tables, 0, tables(&mut conn).await);
    let drop_both =
        |name: &str| format!("DROP TABLE IF EXISTS `{name}`;\nDROP VIEW IF EXISTS `{name}`;\n");
    let stand_in = |name: &str, column: &str| {
        drop_both(name) + &format!("CREATE VIEW `{name}` AS SELECT 1 AS `{column}`;\n")
    };
    add(Section::StandIns, 0, stand_in("a_second", "x") + &drop_both("broken"));

    let create = create_database(&mut conn, b).await;
    add(
        Section::Database,
        1,
        format!(
            "{create};\nUSE `{b}`;\nALTER DATABASE CHARACTER SET = utf8mb4 COLLATE = utf8mb4_bin{comment};\n\
             {encryption}DROP TABLE IF EXISTS `only_one`;\n"
        ),
    );
    add(Section::Tables, 1, format!("{};\n", show(&mut conn_b, "TABLE only_one").await[1]));
    add(Section::StandIns, 1, stand_in("z_first", "x"));

    if !mariadb {
        let [_, mode, create, ..] = &show(&mut conn_b, "LIBRARY lib").await[..] else { panic!() };
        let text = program("LIBRARY IF EXISTS `lib`", &[], [mode, create, "", ""], ";;", &[]);
        add(Section::Routines, 1, text);
    }
    let of_program = |answer: &[String], create: usize| {
        [1, create, create + 1, create + 2].map(|column| answer[column].clone())
    };
    let answer = of_program(&show(&mut conn, "PROCEDURE p").await, 2);
    assert_eq!([answer[0].as_str(), answer[2].as_str()], ["ANSI_QUOTES", "latin1"]);
    let text = program(
        "PROCEDURE IF EXISTS `p`",
        &["ALTER DATABASE COLLATE = latin1_bin"],
        answer.each_ref().map(String::as_str),
        "$$",
        &["ALTER DATABASE COLLATE = latin1_german1_ci"],
    );
    add(Section::Routines, 0, text);

    let view = async |conn: &mut Conn, name: &str| {
        let answer = show(conn, &format!("VIEW {name}")).await;
        let [_, create, charset, collation] = &answer[..] else { panic!() };
        format!(
            "DROP VIEW IF EXISTS `{name}`;\nSET character_set_client = {charset}, \
             character_set_results = {charset}, collation_connection = {collation};\n\
             {create};\nSET NAMES utf8mb4;\n"
        )
    };
    add(Section::Views, 1, view(&mut conn_b, "z_first").await);
    let second = view(&mut conn, "a_second").await;
    add(Section::Views, 0, second + "DROP VIEW IF EXISTS `broken`;\n");

    let answer = of_program(&show(&mut conn, "TRIGGER tr").await, 2);
    let answer = answer.each_ref().map(String::as_str);
    add(Section::Triggers, 0, program("TRIGGER IF EXISTS `tr`", &[], answer, ";;", &[]));
    let answer = of_program(&show(&mut conn, "EVENT e").await, 3);
    let text = program(
        "EVENT IF EXISTS `e`",
        BEFORE_EVENT,
        answer.each_ref().map(String::as_str),
        ";;",
        &["SET timestamp = DEFAULT", "SET time_zone = '+00:00'"],
    );
    add(Section::Events, 0, text);
    all.push((Section::End, None, end(mariadb)));
    conn.disconnect().await.unwrap();
    conn_b.disconnect().await.unwrap();
    all
}

/// Asserts that members of tables are whole, no longer than they may be, in an order in which they can
/// be run, and that the rows in them are those that the manifest counts. Returns the names of the
/// tables in each member whose tables are all of those asked for.
fn assert_members(path: &Path, of: impl Fn(&str) -> bool) -> Vec<Vec<String>> {
    const MIB: u64 = 1 << 20;
    let footer = inspect(path).unwrap();
    let file = std::fs::read_to_string(path).unwrap();
    let objects = &footer.manifest.objects;
    let mut rows = vec![0; objects.len()];
    let mut created = BTreeSet::new();
    let mut parts = Vec::new();
    let tables = footer.index.members.iter().filter(|member| member.section == Section::Tables);
    for member in tables {
        let text = text_of(&file, member);
        assert!(text.ends_with(";\n"), "{:?}", &text[text.len() - 20..]);
        let count = |what: &str| text.matches(what).count();
        let with_rows = member.parts.iter().filter(|part| part.rows > 0).count();
        assert_eq!(count("\nCOMMIT;\n"), count("START TRANSACTION;\n"));
        // One that is sent again is sent as it was.
        for transaction in text.split("START TRANSACTION;\n").skip(1) {
            let (inside, _) = transaction.split_once("\nCOMMIT;\n").unwrap();
            assert!(!inside.contains("SET sql_mode"), "{inside}");
        }
        assert_eq!(count("\nCOMMIT;\n") > 0, with_rows > 0);
        assert!(member.sql_bytes < 3 * MIB + MIB / 8, "{member:?}");
        // What creates tables does not go with rows of others.
        let definitions = member.parts.iter().filter(|part| part.definition).count();
        assert!(definitions == 0 || definitions == member.parts.len(), "{member:?}");
        for part in &member.parts {
            assert!(part.definition == created.insert(part.object), "rows before their table");
            rows[part.object as usize] += part.rows;
        }
        let name = |object: u32| objects[object as usize].name.name().to_owned();
        let names: Vec<_> = member.parts.iter().map(|part| name(part.object)).collect();
        if names.iter().all(|name| of(name)) {
            parts.push(names);
        }
    }
    let counted: Vec<_> = objects.iter().map(|object| object.rows.unwrap_or(0)).collect();
    assert_eq!(rows, counted);
    parts
}

/// Asserts that values are written as they should be, in a table that is alone or one of several.
async fn assert_written(server: &TestServer, values: &[Case], several: bool) {
    let database = server.database_with("CHARACTER SET utf8mb4").await;
    let list = |of: &dyn Fn(usize, &Case) -> String| {
        let all = values.iter().enumerate().map(|(number, value)| of(number, value));
        all.collect::<Vec<_>>().join(",")
    };
    database
        .run(&[
            "SET sql_mode = 'ALLOW_INVALID_DATES', time_zone = '+02:00'",
            &format!(
                "CREATE TABLE t ({})",
                list(&|number, value| format!("c{number} {}", value.0))
            ),
            &format!("INSERT INTO t VALUES ({})", list(&|_, value| value.1.to_owned())),
        ])
        .await;
    if several {
        database.run(&["CREATE TABLE u (x INT)", "INSERT INTO u VALUES (1), (2)"]).await;
    }
    let (_directory, path) = scratch();
    dump_into(&database, &path, &plain()).await;
    let file = std::fs::read_to_string(&path).unwrap();
    let row = format!("\n({});\n", list(&|_, value| value.2.to_owned()));
    let found = file.split(" VALUES").nth(1).unwrap().split_inclusive(";\n").next().unwrap();
    assert_eq!(found, row, "{}", server.name);
    assert_eq!(file.contains("INSERT INTO `u` (`x`) VALUES\n(1),\n(2);\n"), several);
}

on_each_server! {
    /// F7, F8, F9, S1, S3, S5, S6, S7, S9, S14, S15, S16, S18: one object of each kind, in its place
    /// and in its words.
    async fn a_script_is_what_the_rules_say(server: TestServer) {
        let databases = two_databases(&server).await;
        let names = databases.iter().map(|database| database.name.clone()).collect();
        let (_directory, path) = scratch();
        let options = plain().with_databases(Databases::Named(names));
        let connect = ConnectOptions::from_url(&server.url).unwrap();
        dump_to_path(&connect, &path, &options, &Context::new()).await.unwrap();
        let file = std::fs::read_to_string(&path).unwrap();
        let members = inspect(&path).unwrap().index.members;
        let found: Vec<_> = members
            .iter()
            .map(|member| (member.section, member.database, statements(text_of(&file, member))))
            .collect();
        let expected = expected(&databases).await;
        assert_eq!(found, expected, "{}", server.name);

        // A broken view is a comment to its last line.
        let mut conn = databases[0].conn().await;
        let answer = show(&mut conn, "VIEW broken").await;
        conn.disconnect().await.unwrap();
        let comment = format!("\n-- {}\n", answer[1].replace('\n', "\n-- "));
        assert!(file.contains(&comment), "{comment}");

        // What names no database selects none.
        let (_directory, path) = scratch();
        dump_into(&databases[0], &path, &plain()).await;
        let file = std::fs::read_to_string(&path).unwrap();
        assert!(!file.contains("\nUSE ") && !file.contains("\nCREATE DATABASE"), "{file}");
    }

    /// F1, F6, F15: with one connection, and with several that read large tables in pieces.
    async fn members_end_where_they_should(server: TestServer) {
        let database = server.database().await;
        let rows = |table: &str, rows: u32, bytes: u32| {
            format!(
                "INSERT INTO {table} WITH RECURSIVE s AS (SELECT 1 AS id UNION ALL \
                 SELECT id + 1 FROM s WHERE id < {rows}) SELECT id, REPEAT('x', {bytes}) FROM s"
            )
        };
        for (table, number, bytes) in
            [("a", 40, 1000), ("b", 40, 1000), ("c", 40, 1000), ("large", 700, 10_000), ("z", 1, 1)]
        {
            let create = format!("CREATE TABLE {table} (id INT PRIMARY KEY, x TEXT)");
            database.run(&[&create, &rows(table, number, bytes)]).await;
        }
        let mut conn = database.conn().await;
        let _: Vec<Row> = conn.query("ANALYZE TABLE a, b, c, large, z").await.unwrap();
        conn.disconnect().await.unwrap();
        let (_directory, path) = scratch();
        dump_into(&database, &path, &plain().with_connections(1)).await;
        let members = assert_members(&path, |_| true);
        let large = vec!["large"];
        // The rows of `b` pass 64 KiB; those of `large` stand apart, 2 MiB at a time, the last less.
        let mut expected = vec![vec!["a", "b", "c"], vec!["c"], vec!["large"]];
        expected.extend(std::iter::repeat_n(large, 4));
        expected.push(vec!["z"]);
        assert_eq!(members, expected, "{}", server.name);
        let creating = &inspect(&path).unwrap().index.members;
        let creating = creating.iter().flat_map(|member| &member.parts).filter(|part| part.definition);
        let rows: Vec<_> = creating.map(|part| part.rows).collect();
        assert_eq!(rows, [40, 40, 0, 0, 1]);

        let (_directory, path) = scratch();
        let options = plain().with_connections(3).with_chunk_bytes(1 << 20);
        let report = dump_into(&database, &path, &options).await;
        assert_eq!(report.snapshot.connections, 3);
        assert!(assert_members(&path, |name| ["c", "large", "z"].contains(&name)).len() > 3);
        let footer = inspect(&path).unwrap();
        let members = footer.index.members.iter();
        let mut parts = members.filter_map(|member| member.parts.last());
        let defined = parts.find(|part| {
            part.definition && footer.manifest.objects[part.object as usize].name.name() == "large"
        });
        assert_eq!(defined.map(|part| part.rows), Some(0), "its definition ends its member");
    }

    /// S2, S11, S12: each type in its literal.
    async fn values_are_written_as_literals(server: TestServer) {
        let mut values: Vec<Case> = vec![
            ("INT", "NULL", "NULL"),
            ("INT", "-5", "-5"),
            ("BIGINT UNSIGNED", "18446744073709551615", "18446744073709551615"),
            ("BIGINT", "-9223372036854775808", "-9223372036854775808"),
            ("INT(5) ZEROFILL", "42", "42"),
            ("INT(5) UNSIGNED ZEROFILL", "0", "0"),
            ("YEAR", "2024", "2024"),
            ("YEAR", "0", "0"),
            ("DECIMAL(9,3)", "-1.5", "-1.500"),
            ("DOUBLE", "1e200", "1e200"),
            ("FLOAT", "0.1", "0.1"),
            ("BIT(9)", "b'101'", "0x0005"),
            ("BINARY(2)", "'a'", "0x6100"),
            ("VARBINARY(4)", "x'00ff'", "0x00FF"),
            ("BLOB", "''", "''"),
            ("POINT", "ST_GeomFromText('POINT(1 2)')",
             "0x000000000101000000000000000000F03F0000000000000040"),
            ("TEXT CHARACTER SET binary", "'a'", "0x61"),
            ("TEXT CHARACTER SET utf8mb4", "'é\\0\\n\\r\\Z\\'\\\\\\t\"'", "'é\\0\\n\\r\\Z\\'\\\\\t\"'"),
            ("VARCHAR(9) CHARACTER SET ascii", "'a'", "'a'"),
            ("VARCHAR(9) CHARACTER SET latin1", "'a'", "'a'"),
            ("VARCHAR(9) CHARACTER SET latin1", "'é'", "_latin1 0xE9"),
            ("VARCHAR(9) CHARACTER SET sjis", "'a'", "_sjis 0x61"),
            ("VARCHAR(9) CHARACTER SET utf16", "'a'", "_utf16 0x0061"),
            ("VARCHAR(9) CHARACTER SET utf16", "''", "''"),
            ("JSON", "'{\"a\": 1}'", "'{\"a\": 1}'"),
            ("ENUM('a','b')", "'b'", "'b'"),
            ("ENUM('','b')", "'b'", "2"),
            ("SET('a','b','c') CHARACTER SET latin1", "'a,c'", "'a,c'"),
            ("SET('b','c','ä')", "'b,ä'", "5"),
            ("DATE", "'2023-02-31'", "'2023-02-31'"),
            ("DATE", "'0000-00-00'", "'0000-00-00'"),
            ("DATETIME(3)", "'2024-01-02 03:04:05.1'", "'2024-01-02 03:04:05.100'"),
            ("TIMESTAMP NULL", "'2024-01-02 03:04:05'", "'2024-01-02 01:04:05'"),
            ("TIME", "'-1:02:03'", "'-01:02:03'"),
            ("TIME(1)", "'838:02:03.4'", "'838:02:03.4'"),
            ("TIME", "'0:00:00'", "'00:00:00'"),
            ("DATETIME", "'0000-00-00 00:00:00'", "'0000-00-00 00:00:00'"),
        ];
        if server.is_mariadb() {
            values.extend([
                ("UUID", "'123E4567-e89b-12d3-a456-426655440000'", "'123e4567-e89b-12d3-a456-426655440000'"),
                ("INET4", "'127.0.0.1'", "'127.0.0.1'"),
                ("INET6", "'::1'", "'::1'"),
            ]);
        } else {
            // MariaDB keeps no negative zero.
            values.push(("DOUBLE", "-0e0", "-0e0"));
        }
        assert_written(&server, &values, false).await;
        // The rows of several small tables are read by the text protocol, where it has them exactly.
        values.retain(|(kind, ..)| !["FLOAT", "DOUBLE", "JSON"].contains(kind));
        assert_written(&server, &values, true).await;
    }
}
