use super::*;
use crate::sql::charset::Charset;
use crate::sql::split::Dialect;

fn reading(mariadb: bool) -> Reading {
    Reading {
        dialect: if mariadb { Dialect::MariaDb } else { Dialect::MySql { dollar_quotes: true } },
        version: if mariadb { 110_809 } else { 90_704 },
        charset: Charset::Utf8,
        ansi_quotes: false,
        no_backslash_escapes: false,
    }
}

/// What is found, in one line: `reach: words` and `role name`.
fn found_by(text: &str, reading: &Reading) -> String {
    let found = examine(text.as_bytes(), reading, true);
    let reaches = found.reaches.iter().map(|(reach, words)| format!("{reach:?}: {words}"));
    let databases = found.databases.iter().map(|mention| {
        let range = &text[mention.range.clone()];
        assert_eq!(range.trim_matches(['`', '"']).replace("``", "`"), mention.name);
        format!("{:?} {}", mention.role, mention.name)
    });
    reaches.chain(databases).collect::<Vec<_>>().join(", ")
}

fn found(text: &str) -> String {
    found_by(text, &reading(false))
}

#[test]
#[expect(clippy::too_many_lines, reason = "a table")]
fn what_reaches_beyond_the_database_is_found() {
    for (text, expected) in [
        // Databases as a whole.
        ("USE other", "Use other"),
        ("use`oth``er`", "Use oth`er"),
        ("/*!40000 USE */ /* x */ other", "Use other"),
        (
            "CREATE DATABASE /*!32312 IF NOT EXISTS*/ `o` /*!40100 DEFAULT CHARACTER SET x */",
            "Create o",
        ),
        ("create or replace schema if not exists o", "Create o"),
        ("DROP DATABASE IF EXISTS o", "Drop o"),
        ("ALTER DATABASE `o` CHARACTER SET x COLLATE y", "Alter o"),
        ("ALTER DATABASE CHARACTER SET x", ""),
        ("ALTER DATABASE `collate` COLLATE x", "Alter collate"),
        // Qualified names.
        ("DROP TABLE IF EXISTS a, o.b, `p` . `c`", "Qualifier o, Qualifier p"),
        ("DROP TABLE/*!50000 o*/./*x*/b", "Qualifier o"),
        ("DROP VIEW o.v", "Qualifier o"),
        ("CREATE OR REPLACE JSON RELATIONAL DUALITY VIEW v AS SELECT 1", ""),
        ("CREATE SQL SECURITY INVOKER JSON RELATIONAL DUALITY VIEW o.v AS SELECT 1", "Qualifier o"),
        ("DROP TRIGGER IF EXISTS o.t", "Qualifier o"),
        ("DROP INDEX i ON o.t", "Qualifier o"),
        ("RENAME TABLE a TO o.b", "Qualifier o"),
        ("TRUNCATE o.t", "Qualifier o"),
        ("TRUNCATE TABLE o.t", "Qualifier o"),
        ("INSERT INTO o.t VALUES (1)", "Qualifier o"),
        ("INSERT IGNORE o.t SET a = 1", "Qualifier o"),
        ("INSERT INTO t VALUES (1), (o.f(2), 'a.b(')", "Qualifier o"),
        ("INSERT INTO t (a) SELECT `o`.`f` (u.a) FROM u", "Qualifier o"),
        ("REPLACE t SET a = 1.5, b = o . f(1)", "Qualifier o"),
        ("INSERT INTO t VALUES ('o.f(1)', 1.5)", ""),
        ("INSERT INTO t VALUES (SETVAL(o.s, 1))", "Qualifier o"),
        ("INSERT INTO t SELECT NEXT VALUE FOR o.s", "Qualifier o"),
        ("SET @a = SETVAL(o.s, 1), @b = 2", "Qualifier o"),
        ("CREATE TABLE b AS SELECT o.f()", "Qualifier o"),
        ("CREATE TABLE b AS WITH q AS (SELECT o.f()) SELECT * FROM q", "Qualifier o"),
        (
            "CREATE TABLE b (a INT REFERENCES o.t (a)) PARTITION BY LIST (a) (PARTITION p VALUES IN (1))",
            "Reference o",
        ),
        ("WITH q AS (SELECT o.f()) SELECT * FROM q", "Qualifier o"),
        ("WITH q AS (SELECT 1) DELETE FROM o.t WHERE o.f(1)", "Qualifier o, Qualifier o"),
        ("UPDATE a JOIN (SELECT o.f() AS z) y SET a.b = y.z", "Qualifier o"),
        ("DELETE FROM a USING a JOIN (SELECT NEXTVAL(o.s)) y", "Qualifier o"),
        ("REPLACE LOW_PRIORITY INTO `o`.t SELECT * FROM p.q", "Qualifier o"),
        ("INSERT INTO t VALUES ('USE other; DROP TABLE o.t')", ""),
        ("UPDATE o.t SET a = 1", "Qualifier o"),
        ("UPDATE t JOIN o.u ON t.a = u.a SET u.b = t.b", "Qualifier o"),
        ("UPDATE t, o.u SET u.b = 1", "Qualifier o"),
        ("UPDATE a JOIN b ON a.id = b.id, o.c SET c.x = 1", "Qualifier o"),
        ("UPDATE a JOIN b ON f(a.id, b.id), o.c SET c.x = 1", "Qualifier o"),
        ("UPDATE (a JOIN b ON (a.id, b.id) = (1, 2)), o.c SET c.x = 1", "Qualifier o"),
        ("UPDATE a JOIN b ON COALESCE(b.id, a.id) SET a.x = 1", ""),
        ("UPDATE { OJ o.t LEFT JOIN x ON 1 } SET t.a = 1", "Qualifier o"),
        ("DELETE c FROM a JOIN b ON a.id = b.id, o.c", "Qualifier o"),
        ("ALTER TABLE t CONVERT TABLE o.x TO PARTITION p VALUES LESS THAN (9)", "Qualifier o"),
        ("ALTER TABLE t CONVERT PARTITION p TO TABLE o.x", "Qualifier o"),
        ("LOAD DATA INFILE 'f' REPLACE INTO TABLE o.t", "Server: LOAD DATA, Qualifier o"),
        ("UPDATE t AS x SET x.a = x.b WHERE x.c", ""),
        ("DELETE FROM o.t WHERE t.a", "Qualifier o"),
        ("DELETE a FROM t AS a, o.u AS b", "Qualifier o"),
        ("DELETE o.t FROM o.t JOIN u", "Qualifier o, Qualifier o"),
        ("WITH x AS (SELECT 1) DELETE FROM o.t", "Qualifier o"),
        ("CREATE TABLE o.t (a int)", "Qualifier o"),
        ("CREATE TABLE t LIKE o.u", "Reference o"),
        ("CREATE TABLE t (a int, FOREIGN KEY (a) REFERENCES `o`.`u` (b))", "Reference o"),
        ("CREATE TABLE t (a int) ENGINE=MERGE UNION=(a, o.b)", "Qualifier o"),
        ("CREATE TABLE t (a int DEFAULT nextval(o.s))", "Reference o"),
        ("CREATE TEMPORARY TABLE IF NOT EXISTS o.t (a int)", "Qualifier o"),
        ("CREATE UNIQUE INDEX i ON o.t (a)", "Qualifier o"),
        ("CREATE VIEW o.v AS SELECT 1", "Qualifier o"),
        (
            "CREATE ALGORITHM=MERGE DEFINER=`a`@`b` SQL SECURITY DEFINER VIEW v AS SELECT * FROM o.t",
            "",
        ),
        ("CREATE TRIGGER t BEFORE INSERT ON o.t FOR EACH ROW SET @a = 1", "Qualifier o"),
        ("CREATE TRIGGER o.t BEFORE INSERT ON t FOR EACH ROW DELETE FROM x.y", "Qualifier o"),
        (
            "/*!50003 CREATE*/ /*!50017 DEFINER=`a`@`b`*/ /*!50003 TRIGGER `t` AFTER INSERT ON `o`.`t` FOR EACH ROW BEGIN END */",
            "Qualifier o",
        ),
        ("CREATE PROCEDURE o.p() SELECT 1", "Qualifier o"),
        ("CREATE EVENT o.e ON SCHEDULE EVERY 1 DAY DO DELETE FROM x.y", "Qualifier o"),
        ("ALTER EVENT e RENAME TO o.e", "Qualifier o"),
        ("ALTER TABLE o.t ADD a int", "Qualifier o"),
        ("ALTER TABLE t RENAME TO o.t", "Qualifier o"),
        ("ALTER TABLE t RENAME o.t, ADD COLUMN a int", "Qualifier o"),
        ("ALTER TABLE t RENAME COLUMN a TO b", ""),
        ("ALTER TABLE t EXCHANGE PARTITION p WITH TABLE o.t", "Qualifier o"),
        ("ALTER TABLE t ADD FOREIGN KEY (a) REFERENCES o.t (a)", "Reference o"),
        ("LOCK TABLES `a` WRITE, o.b READ", "Qualifier o"),
        ("ANALYZE TABLE o.t", "Qualifier o"),
        ("HANDLER o.t OPEN", "Qualifier o"),
        ("SELECT a.b, o.f(1) FROM t a", "Qualifier o"),
        ("SELECT o.package.f(1)", "Qualifier o"),
        ("INSERT INTO t VALUES (o.package.f(1))", "Qualifier o"),
        ("SELECT a.b.c FROM t", ""),
        ("SELECT * FROM o.t WHERE t.a = 1", ""),
        ("DO SETVAL(`o`.`s`, 1)", "Qualifier o"),
        ("SELECT NEXT VALUE FOR o.s", "Qualifier o"),
        ("SET @a = o.f(1)", "Qualifier o"),
        ("SHOW CREATE TABLE o.t", ""),
        // Accounts.
        ("CREATE USER a@b", "Accounts: CREATE USER"),
        ("ALTER USER a@b", "Accounts: ALTER USER"),
        ("DROP ROLE r", "Accounts: DROP ROLE"),
        ("RENAME USER a TO b", "Accounts: RENAME USER"),
        ("GRANT ALL ON *.* TO a@b", "Accounts: GRANT"),
        ("/*!50000 GRANT*/ ALL ON x.* TO a", "Accounts: GRANT"),
        ("revoke all on x.* from a", "Accounts: REVOKE"),
        ("SET PASSWORD = 'x'", "Accounts: SET PASSWORD"),
        ("SET DEFAULT ROLE r TO a", "Accounts: SET DEFAULT ROLE"),
        // The server.
        ("SET GLOBAL a = 1", "Server: SET GLOBAL A"),
        ("SET @@global.a = 1", "Server: SET GLOBAL A"),
        ("SET a = 1, GLOBAL b = 2", "Server: SET GLOBAL B"),
        ("SET @x = 1, @@persist.b = (SELECT 1, 2)", "Server: SET GLOBAL B"),
        ("SET PERSIST_ONLY a = 1", "Server: SET GLOBAL A"),
        ("SET GLOBAL TRANSACTION READ ONLY", "Server: SET GLOBAL TRANSACTION"),
        ("SET SESSION TRANSACTION READ ONLY", ""),
        ("INSTALL PLUGIN x SONAME 'y'", "Server: INSTALL PLUGIN"),
        ("UNINSTALL COMPONENT 'x'", "Server: UNINSTALL COMPONENT"),
        ("CREATE FUNCTION f RETURNS STRING SONAME 'x.so'", "Server: CREATE FUNCTION SONAME"),
        (
            "CREATE AGGREGATE FUNCTION f RETURNS INTEGER SONAME 'x'",
            "Server: CREATE FUNCTION SONAME",
        ),
        ("CREATE SERVER s FOREIGN DATA WRAPPER mysql OPTIONS (HOST 'x')", "Server: CREATE SERVER"),
        ("CREATE TABLESPACE x ADD DATAFILE 'y'", "Server: CREATE TABLESPACE"),
        ("SELECT 1 INTO OUTFILE '/tmp/x'", "Server: INTO OUTFILE"),
        ("SELECT 1 INTO/**/DUMPFILE '/tmp/x'", "Server: INTO DUMPFILE"),
        ("(SELECT 1 INTO OUTFILE '/tmp/x')", "Server: INTO OUTFILE"),
        ("SELECT 'INTO OUTFILE' INTO @a", ""),
        ("LOAD DATA INFILE 'x' INTO TABLE t", "Server: LOAD DATA"),
        ("system rm -rf /", "ClientCommand: SYSTEM"),
        ("source other.sql", "ClientCommand: SOURCE"),
        ("connect other localhost", "ClientCommand: CONNECT"),
        ("Tee /tmp/x", "ClientCommand: TEE"),
        ("pager cat > /tmp/x", "ClientCommand: PAGER"),
        ("LOAD DATA CONCURRENT LOCAL INFILE 'x' INTO TABLE t", "ClientFile: LOAD DATA LOCAL"),
        ("LOAD XML LOCAL INFILE 'x' INTO TABLE t", "ClientFile: LOAD XML LOCAL"),
        ("LOAD DATA /*!50000 LOCAL*/ INFILE 'x' INTO TABLE t", "ClientFile: LOAD DATA LOCAL"),
        ("SHUTDOWN", "Server: SHUTDOWN"),
        ("KILL 1", "Server: KILL"),
        ("FLUSH PRIVILEGES", "Server: FLUSH PRIVILEGES"),
        ("RESET MASTER", "Server: RESET MASTER"),
        ("CHANGE MASTER TO MASTER_HOST = 'x'", "Server: CHANGE MASTER"),
        ("START REPLICA", "Server: START REPLICA"),
        ("START TRANSACTION", ""),
        ("BINLOG 'abc'", "Server: BINLOG"),
        ("LOCK INSTANCE FOR BACKUP", "Server: LOCK INSTANCE"),
        ("ALTER TABLE t IMPORT TABLESPACE", "Server: IMPORT TABLESPACE"),
        ("system ls", "ClientCommand: SYSTEM"),
        // What is not in the text.
        ("PREPARE s FROM @x", "Indirect: PREPARE"),
        ("EXECUTE s", "Indirect: EXECUTE"),
        ("CALL p()", "Indirect: CALL"),
        ("BEGIN NOT ATOMIC DROP DATABASE x", "Indirect: BEGIN NOT ATOMIC"),
        ("BEGIN", ""),
        ("BEGIN WORK", ""),
        // Replication.
        ("SET @@GLOBAL.GTID_PURGED=/*!80000 '+'*/ 'x:1-5'", "ReplicationState: SET GTID_PURGED"),
        ("SET @@SESSION.SQL_LOG_BIN= 0", "ReplicationState: SET SQL_LOG_BIN"),
        ("SET @MYSQLDUMP_TEMP_LOG_BIN = @@SESSION.SQL_LOG_BIN", ""),
        ("SET sql_log_bin = 0, autocommit = 0", "Server: SET SQL_LOG_BIN"),
        // Nothing.
        ("/*!40101 SET NAMES utf8 */", ""),
        ("/*!40000 ALTER TABLE `t` DISABLE KEYS */", ""),
        ("UNLOCK TABLES", ""),
        ("COMMIT", ""),
        ("/*!99999 DROP DATABASE x */", ""),
    ] {
        assert_eq!(found(text), expected, "{text}");
    }
}

#[test]
#[expect(clippy::too_many_lines, reason = "a table")]
fn several_statements_in_one_text_count_one_by_one() {
    for (text, expected) in [
        ("SELECT 1; DROP DATABASE x", "Drop x"),
        ("SELECT ';'; /* ; */ GRANT a TO b;", "Accounts: GRANT"),
        ("INSERT INTO t VALUES (';', 1); USE x", "Use x"),
        (
            "SET sql_mode = 'ANSI_QUOTES'; DROP DATABASE \"x\"",
            "Indirect: another sql_mode or character set for other statements of the same text",
        ),
        (
            "SELECT 1; SET NAMES gbk; SELECT 2",
            "Indirect: another sql_mode or character set for other statements of the same text",
        ),
        ("SELECT 1; SET sql_mode = 'ANSI_QUOTES';", ""),
        ("CREATE PROCEDURE p() SELECT 1; DROP DATABASE x", "Drop x"),
        (
            "SET STATEMENT sql_mode = '' FOR SET STATEMENT sql_mode = '' FOR DO 1",
            "Indirect: SET STATEMENT",
        ),
        (
            "CREATE PACKAGE k COMMENT 'a; b' SQL SECURITY INVOKER FUNCTION f(a INT) RETURNS INT; \
             PROCEDURE p(); END; DROP DATABASE x",
            "Drop x",
        ),
        (
            "CREATE PACKAGE BODY k DECLARE c INT; PROCEDURE q(); FUNCTION f() RETURNS INT BEGIN IF a \
             THEN RETURN 1; END IF; RETURN 2; END; PROCEDURE q() SELECT 1; SET c = 5; END; \
             DROP DATABASE x",
            "Drop x",
        ),
        (
            "CREATE PACKAGE BODY k AS FUNCTION g RETURN INT; FUNCTION f RETURN INT AS b INT; BEGIN \
             RETURN 1; END; BEGIN SET c = 5; END; DROP DATABASE x",
            "Drop x",
        ),
        ("CREATE PROCEDURE p() BEGIN DROP DATABASE y; SELECT 1; END; DROP DATABASE x", "Drop x"),
        (
            "CREATE PROCEDURE p() BEGIN IF a THEN SELECT 1; ELSE BEGIN USE y; END; END IF; \
          WHILE a DO SET b = 1; END WHILE; REPEAT GRANT a TO b; UNTIL CASE a WHEN 1 THEN 2 END \
          END REPEAT; l: LOOP DROP DATABASE y; LEAVE l; END LOOP l; CASE a WHEN 1 THEN USE z; \
          END CASE; SELECT CASE 1 WHEN 1 THEN 2 END AS x; DROP DATABASE y; END",
            "",
        ),
        ("CREATE PROCEDURE p() BEGIN SELECT begin FROM t; END; DROP DATABASE x", "Drop x"),
        ("CREATE PROCEDURE p() BEGIN SELECT t.case FROM t; END; DROP DATABASE x", "Drop x"),
        ("CREATE PROCEDURE p() BEGIN SELECT @case, @begin; END; DROP DATABASE x", "Drop x"),
        ("CREATE PROCEDURE p() BEGIN /*!99999 BEGIN */ SELECT 1; END; DROP DATABASE x", "Drop x"),
        ("CREATE PROCEDURE p() BEGIN XA BEGIN 'a'; END; DROP DATABASE x", "Drop x"),
        ("CREATE PROCEDURE p() COMMENT 'BEGIN' SELECT 1; DROP DATABASE x", "Drop x"),
        ("CREATE PROCEDURE p() SELECT 1 AS `begin`; DROP DATABASE x", "Drop x"),
        ("CREATE PROCEDURE p() SELECT begin FROM t; DROP DATABASE x", "Drop x"),
        (
            "CREATE TRIGGER t BEFORE INSERT ON t FOR EACH ROW IF NEW.a THEN SET NEW.a = 1; END IF; \
          DROP DATABASE x",
            "Drop x",
        ),
        (
            "CREATE TRIGGER t BEFORE INSERT ON t FOR EACH ROW SET NEW.a = IF(1, 2, 3); DROP DATABASE x",
            "Drop x",
        ),
        ("CREATE EVENT e ON SCHEDULE EVERY 1 DAY DO BEGIN DELETE FROM y.z; END; USE x", "Use x"),
        (
            "CREATE FUNCTION f() RETURNS varchar(9) CHARACTER SET latin1 BEGIN GRANT a TO b; \
          RETURN 1; END",
            "",
        ),
        (
            "CREATE PROCEDURE p() BEGIN DECLARE EXIT HANDLER FOR SQLEXCEPTION, NOT FOUND, 1062, \
          SQLSTATE '42000' BEGIN ROLLBACK; END; DECLARE CONTINUE HANDLER FOR begin SET @a = 1; \
          GRANT a TO b; END; DROP DATABASE x",
            "Drop x",
        ),
        ("CREATE TRIGGER t BEFORE INSERT ON t FOR EACH ROW FOLLOWS begin SELECT 1; USE x", "Use x"),
        ("CREATE FUNCTION f() RETURNS INT RETURN begin; USE x", "Use x"),
        ("CREATE PROCEDURE p() FOR i IN 1..3 DO GRANT a TO b; END FOR; USE x", "Use x"),
        (
            "CREATE TRIGGER t BEFORE INSERT ON t FOR EACH ROW FOR i IN (SELECT 1) DO USE y; SET @a = 1; \
             END FOR; USE x",
            "Use x",
        ),
        (
            "CREATE EVENT e ON SCHEDULE EVERY 1 DAY DO FOR i IN 1..3 DO USE y; END FOR; USE x",
            "Use x",
        ),
        // Statements with words that could begin a body, were they not behind others.
        ("CREATE PROCEDURE p() (SELECT 1) FOR UPDATE; DROP DATABASE x", "Drop x"),
        ("CREATE PROCEDURE p() SHOW GRANTS FOR CURRENT_USER; DROP DATABASE x", "Drop x"),
        ("CREATE PROCEDURE p() SHOW DATABASES WHERE IF(1, 1, 1); DROP DATABASE x", "Drop x"),
        ("CREATE PROCEDURE p() KILL IF(1, 1, 1); DROP DATABASE x", "Drop x"),
        ("CREATE PROCEDURE p() PURGE BINARY LOGS BEFORE REPEAT(1, 1); DROP DATABASE x", "Drop x"),
        ("CREATE PROCEDURE p() XA BEGIN 'a'; DROP DATABASE x", "Drop x"),
        ("CREATE PROCEDURE p() FLUSH TABLES t FOR EXPORT; DROP DATABASE x", "Drop x"),
        ("CREATE PROCEDURE p() SET STATEMENT a = 1 FOR DO IF(1, 1, 1); DROP DATABASE x", "Drop x"),
        (
            "CREATE PROCEDURE p() BEGIN SET STATEMENT a = 1 FOR DO IF(1, 1, 1); END; DROP DATABASE x",
            "Drop x",
        ),
        // All that a head can hold.
        (
            "CREATE FUNCTION f(a ENUM('a', 'b'), b INT) RETURNS national varchar(9) CHARACTER SET set \
             COLLATE `begin` NOT DETERMINISTIC READS SQL DATA LANGUAGE SQL COMMENT 'BEGIN' \
             SQL SECURITY INVOKER BEGIN GRANT a TO b; RETURN 1; END; USE x",
            "Use x",
        ),
        (
            "CREATE FUNCTION f() RETURNS TYPE OF t.begin NO SQL l: BEGIN USE y; RETURN 1; END l; USE x",
            "Use x",
        ),
        // Functions called like statements.
        (
            "CREATE PROCEDURE p() BEGIN SELECT CASE WHEN 1 THEN IF(1,1,2) ELSE REPEAT('a',3) END; END; \
             DROP DATABASE x",
            "Drop x",
        ),
        (
            "CREATE PROCEDURE p() BEGIN IF CASE WHEN 1 THEN IF(1,1,2) END THEN USE y; ELSE \
             CASE 1 WHEN 1 THEN IF 1 THEN USE y; END IF; END CASE; END IF; END; DROP DATABASE x",
            "Drop x",
        ),
        ("CREATE PROCEDURE p() BEGIN DO IF(1,1,1); END; DROP DATABASE x", "Drop x"),
        ("CREATE PROCEDURE p() DO IF(1,1,1); DROP DATABASE x", "Drop x"),
        (
            "CREATE FUNCTION f() RETURNS INT RETURN CASE WHEN 1 THEN IF(1,2,3) ELSE 0 END; \
             DROP DATABASE x",
            "Drop x",
        ),
        (
            "CREATE EVENT e ON SCHEDULE EVERY IF(1,1,1) DAY DISABLE DO SELECT 1; DROP DATABASE x",
            "Drop x",
        ),
        (
            "CREATE EVENT e ON SCHEDULE EVERY CASE WHEN 1 THEN IF(1,1,1) END DAY DO IF 1 THEN USE y; \
             END IF; DROP DATABASE x",
            "Drop x",
        ),
        ("CREATE EVENT e ON SCHEDULE EVERY 1 DAY DO DO REPEAT('a', 2); DROP DATABASE x", "Drop x"),
        ("ALTER EVENT e ON SCHEDULE EVERY IF(1,1,1) DAY; DROP DATABASE x", "Drop x"),
        (
            "CREATE EVENT e ON SCHEDULE EVERY 1 DAY DO CASE 1 WHEN 1 THEN USE y; END CASE; USE x",
            "Use x",
        ),
        // The mode ORACLE.
        (
            "CREATE PROCEDURE p AS a INT; b INT; BEGIN GRANT a TO b; <<l>> LOOP USE y; END LOOP; \
          WHILE a LOOP USE y; END LOOP; FOR i IN 1..2 LOOP USE y; END LOOP; EXCEPTION WHEN OTHERS \
          THEN USE y; END p; DROP DATABASE x",
            "Drop x",
        ),
        (
            "CREATE TRIGGER t BEFORE UPDATE ON t FOR EACH ROW BEGIN :NEW.a := 1; IF :NEW.a > 1 THEN \
          :NEW.a := 2; ELSE :NEW.a := CASE :NEW.a WHEN 1 THEN 2 END; END IF; WHILE :OLD.a < 0 LOOP \
          :NEW.a := 1; GRANT a TO b; END LOOP; END; DROP DATABASE x",
            "Drop x",
        ),
        ("CREATE PACKAGE p AS a INT; PROCEDURE q; FUNCTION f RETURN INT; END; USE x", "Use x"),
        (
            "CREATE PACKAGE BODY p AS a INT := 1; PROCEDURE q AS b INT; BEGIN USE y; END; FUNCTION f \
          RETURN INT AS BEGIN RETURN 1; END f; BEGIN SET a = 2; USE z; END; USE x",
            "Use x",
        ),
        (
            "CREATE TRIGGER t BEFORE INSERT ON t FOR EACH ROW DECLARE a INT; e EXCEPTION; BEGIN USE y; \
             DECLARE b INT; BEGIN GRANT a TO b; END; RAISE e; EXCEPTION WHEN OTHERS THEN USE y; END; USE x",
            "Use x",
        ),
        (
            "CREATE TRIGGER t BEFORE INSERT ON t FOR EACH ROW <<l>> DECLARE x INT := 5; BEGIN USE y; \
             :NEW.a := x; END l; USE x",
            "Use x",
        ),
        (
            "CREATE EVENT e ON SCHEDULE EVERY 1 DAY DO DECLARE CURSOR c IS SELECT 1; BEGIN USE y; END; \
             USE x",
            "Use x",
        ),
        (
            "CREATE EVENT e ON SCHEDULE EVERY 1 DAY DO DECLARE TYPE r IS RECORD(a INT); v r; BEGIN \
             v.a := 1; USE y; END; USE x",
            "Use x",
        ),
        (
            "CREATE PACKAGE BODY p AS FUNCTION f RETURN t.a%TYPE IS BEGIN RETURN 1; END; FUNCTION g(a INT) \
             RETURN VARCHAR2(9); BEGIN USE z; END; USE x",
            "Use x",
        ),
        ("CREATE FUNCTION f() RETURNS INT LANGUAGE JAVASCRIPT AS $$ a; b; $$; USE x", "Use x"),
        ("SET STATEMENT max_statement_time=1 FOR DROP TABLE o.t", "Qualifier o"),
        ("ANALYZE UPDATE o.t SET a = 1", "Qualifier o"),
        ("EXPLAIN ANALYZE DELETE FROM o.t", "Qualifier o"),
    ] {
        assert_eq!(found(text), expected, "{text}");
    }
    assert!(can_be_several(b"a;b", false));
    assert!(!can_be_several(b"INSERT INTO t VALUES ('a;b')", true));
    assert!(can_be_several(b"/*!99999 ' */ ; DROP DATABASE x -- ' ", true));
}

#[test]
fn quotes_and_comments_are_those_of_the_server() {
    let mysql = Reading { ansi_quotes: true, ..reading(false) };
    assert_eq!(found_by("DROP TABLE \"o\".t", &mysql), "Qualifier o");
    assert_eq!(found_by("/*M! GRANT a TO b */", &reading(false)), "");
    assert_eq!(found_by("/*M! GRANT a TO b */", &reading(true)), "Accounts: GRANT");
    assert_eq!(found_by("/*!80000 GRANT a TO b */", &reading(true)), "");
    assert_eq!(found_by("/*!80000 GRANT a TO b */", &reading(false)), "Accounts: GRANT");
}

#[test]
fn definers_are_found_in_every_spelling() {
    for (text, user, host, clause) in [
        ("CREATE DEFINER=`a b`@`%` PROCEDURE p() SELECT 1", "a b", "%", "DEFINER=`a b`@`%`"),
        (
            "/*!50003 CREATE*/ /*!50017 DEFINER=`r``t`@`localhost`*/ /*!50003 TRIGGER t */",
            "r`t",
            "localhost",
            "DEFINER=`r``t`@`localhost`",
        ),
        (
            "/*!50001 CREATE ALGORITHM=UNDEFINED */\n/*!50013 DEFINER='a'@'b' SQL SECURITY DEFINER */\n\
             /*!50001 VIEW `v` AS select 1 */",
            "a",
            "b",
            "DEFINER='a'@'b'",
        ),
        (
            "CREATE DEFINER = root@db-1.example.org EVENT e",
            "root",
            "db-1.example.org",
            "DEFINER = root@db-1.example.org",
        ),
        ("CREATE DEFINER=`role` FUNCTION f()", "role", "", "DEFINER=`role`"),
        ("ALTER DEFINER=a@b VIEW v AS SELECT 1", "a", "b", "DEFINER=a@b"),
        ("CREATE OR REPLACE DEFINER=a@b PACKAGE BODY p AS END", "a", "b", "DEFINER=a@b"),
    ] {
        let found = examine(text.as_bytes(), &reading(false), true);
        let [definer] = found.definers.as_slice() else { panic!("{text}: {found:?}") };
        assert_eq!((definer.user.as_str(), definer.host.as_str()), (user, host), "{text}");
        assert_eq!(&text[definer.range.clone()], clause, "{text}");
    }
    for text in [
        "CREATE DEFINER=CURRENT_USER PROCEDURE p() SELECT 1",
        "CREATE DEFINER=CURRENT_USER() VIEW v AS SELECT 1",
        "CREATE PROCEDURE p() SELECT 'DEFINER=a@b'",
        "CREATE TABLE t (definer int)",
    ] {
        assert_eq!(examine(text.as_bytes(), &reading(false), true).definers, [], "{text}");
    }
}

#[test]
fn settings_that_change_how_the_script_is_read_are_found() {
    let settings = |text: &str| examine(text.as_bytes(), &reading(false), false).settings;
    let mode = |text: &str| settings(text).sql_mode;
    let modes = |text: &str| Some(ModeSource::Modes(text.into()));
    assert_eq!(mode("SET sql_mode = 'ANSI_QUOTES,X'"), modes("ANSI_QUOTES,X"));
    assert_eq!(mode("/*!50003 SET sql_mode = '' */"), modes(""));
    assert_eq!(mode("SET SESSION sql_mode := ANSI"), modes("ANSI"));
    assert_eq!(mode("SET @@session.sql_mode = DEFAULT"), Some(ModeSource::Default));
    assert_eq!(mode("SET GLOBAL sql_mode = ''"), None);
    assert_eq!(
        mode("/*!40101 SET SQL_MODE=@OLD_SQL_MODE */"),
        Some(ModeSource::Variable("old_sql_mode".into()))
    );
    assert_eq!(
        mode("SET sql_mode = CONCAT(@@sql_mode, ',ANSI_QUOTES')"),
        Some(ModeSource::Together(vec![
            ModeSource::Session,
            ModeSource::Modes(",ANSI_QUOTES".into())
        ]))
    );
    assert_eq!(mode("SET sql_mode = REPLACE(@@sql_mode, 'A', '')"), Some(ModeSource::Unknown));
    assert_eq!(mode("SET sql_mode = 'A' 'B'"), Some(ModeSource::Unknown));
    assert_eq!(mode("SELECT 'SET sql_mode = 1'"), None);
    let both =
        settings("/*!40101 SET @OLD_SQL_MODE=@@SQL_MODE, SQL_MODE='NO_AUTO_VALUE_ON_ZERO' */");
    assert_eq!(both.saved, [("old_sql_mode".to_owned(), ModeSource::Session)]);
    assert_eq!(both.sql_mode, modes("NO_AUTO_VALUE_ON_ZERO"));

    let charset = |text: &str| settings(text).charset;
    let named = |name: &str| Some(CharsetSource::Named(name.to_owned()));
    assert_eq!(charset("SET NAMES cp932"), named("cp932"));
    assert_eq!(charset("/*!40101 SET NAMES 'gbk' COLLATE x */"), named("gbk"));
    assert_eq!(charset("SET sql_mode = '', character_set_client = sjis"), named("sjis"));
    assert_eq!(charset("SET CHARACTER SET big5"), named("big5"));
    assert_eq!(
        charset("SET character_set_client = @Saved_cs_client"),
        Some(CharsetSource::Variable("saved_cs_client".into()))
    );
    let saved = settings("/*!40101 SET @saved_cs_client     = @@character_set_client */");
    assert_eq!(saved.saved_charsets, [("saved_cs_client".to_owned(), CharsetSource::Session)]);
    assert_eq!(charset("SET character_set_results = sjis"), None);
}

/// What the programs of a text do, in one line each: `kind name (on table): databases; hidden`.
fn programs(text: &str, reading: &Reading) -> String {
    let several = can_be_several(text.as_bytes(), false);
    let found = examine(text.as_bytes(), reading, several);
    let lines = found.programs.iter().map(|program| {
        let mut names: Vec<_> = program.databases.iter().map(|one| one.name.as_str()).collect();
        names.dedup();
        let table = program.table.as_ref().map(|table| format!(" on {table}")).unwrap_or_default();
        let hidden = program.hidden.as_ref().map(|what| format!("; {what}")).unwrap_or_default();
        let (kind, name) = (program.kind.word(), &program.name);
        format!("{kind} {name}{table}: {}{hidden}", names.join(" "))
    });
    lines.collect::<Vec<_>>().join(", ")
}

#[test]
fn what_bodies_reach_is_found() {
    // Bodies of a trigger `g` on `t`, and the databases that they reach.
    for (body, expected) in [
        ("INSERT INTO o.t VALUES (NEW.a)", "o"),
        ("REPLACE `o`.`t` SET a = NEW.a", "o"),
        ("INSERT INTO log (a, b) VALUES (NEW.a, OLD.b)", ""),
        ("INSERT INTO log SELECT x.a, y.b FROM u AS x JOIN o.y ON x.a = y.a", ""),
        ("UPDATE o.t SET a = 1", "o"),
        ("UPDATE u AS x JOIN o.t AS y ON x.a = y.a SET y.b = NEW.b, x.c = y.c", "o"),
        ("UPDATE stats SET stats.n = stats.n + 1 WHERE stats.id = NEW.id", ""),
        ("DELETE FROM o.t WHERE t.a = OLD.a", "o"),
        ("SET NEW.a = REPLACE(NEW.a, 'x', o.f(NEW.b))", "o"),
        ("SET NEW.a = INSERT(NEW.a, 1, 1, '')", ""),
        ("SET NEW.a = (SELECT x.b FROM o.t AS x WHERE x.a = NEW.a)", ""),
        ("CALL o.p(NEW.a)", "o"),
        ("CALL p(NEW.a)", ""),
        ("BEGIN IF NEW.a THEN SET @a = 1; ELSE INSERT INTO o.t VALUES (1); END IF; END", "o"),
        ("BEGIN IF o.f() THEN SET @a = 1; END IF; END", "o"),
        ("BEGIN DECLARE a INT DEFAULT o.f(); END", "o"),
        ("BEGIN DECLARE c CURSOR FOR SELECT o.f(); END", "o"),
        ("BEGIN DECLARE EXIT HANDLER FOR SQLEXCEPTION DELETE FROM o.t; END", "o"),
        ("BEGIN l: LOOP UPDATE o.t SET a = 1; LEAVE l; END LOOP l; END", "o"),
        ("BEGIN IF EXISTS (SELECT 1 FROM u FOR UPDATE) THEN DELETE FROM o.t; END IF; END", "o"),
        ("BEGIN CASE NEW.a WHEN 1 THEN UPDATE o.t SET a = 1; END CASE; END", "o"),
        ("BEGIN SET @a = CASE WHEN 1 THEN REPLACE('a', 'b', 'c') END; DELETE FROM o.t; END", "o"),
        ("BEGIN WHILE CASE WHEN 1 THEN 2 END DO INSERT INTO o.t VALUES (1); END WHILE; END", "o"),
        ("/*!50003 INSERT INTO o.t VALUES (1) */", "o"),
        ("/*!99999 INSERT INTO o.t VALUES (1) */ SET @a = 1", ""),
        ("SET @a = 'INSERT INTO o.t'", ""),
        ("INSERT INTO u VALUES (1) ON DUPLICATE KEY UPDATE u.a = VALUES(a), u.b = 2", ""),
        ("FOLLOWS h INSERT INTO o.t VALUES (1)", "o"),
        ("WITH q AS (SELECT 1) DELETE FROM o.t", "o"),
        ("BEGIN DROP TEMPORARY TABLE o.t; TRUNCATE o.u; END", "o"),
        ("SET NEW.a = TRUNCATE(NEW.b, 2)", ""),
        ("BEGIN PREPARE s FROM @a; EXECUTE s; END", "; PREPARE"),
        ("EXECUTE IMMEDIATE 'x'", "; EXECUTE"),
    ] {
        let text = format!("CREATE TRIGGER g BEFORE INSERT ON t FOR EACH ROW {body}");
        for reading in [reading(false), reading(true)] {
            assert_eq!(programs(&text, &reading), format!("trigger g on t: {expected}"), "{body}");
            // It runs nothing by itself.
            assert_eq!(found_by(&text, &reading), "", "{body}");
        }
    }
    for (text, expected) in [
        ("CREATE TRIGGER d.g AFTER DELETE ON d.`T` FOR EACH ROW SET @a = 1", "trigger g on T: "),
        (
            "CREATE FUNCTION f(a INT) RETURNS INT BEGIN DELETE FROM o.t; RETURN 1; END",
            "function f: o",
        ),
        ("CREATE FUNCTION f() RETURNS INT RETURN o.f()", "function f: o"),
        (
            "CREATE FUNCTION f() RETURNS VARCHAR(9) CHARACTER SET latin1 LANGUAGE JAVASCRIPT AS $$ x $$",
            "function f: ; LANGUAGE JAVASCRIPT",
        ),
        ("CREATE FUNCTION f(language INT) RETURNS INT LANGUAGE SQL RETURN 1", "function f: "),
        ("CREATE PROCEDURE d.p() UPDATE o.t SET a = 1", "procedure p: o"),
        ("CREATE EVENT e ON SCHEDULE EVERY 1 DAY DO DELETE FROM o.t", "event e: o"),
        ("ALTER EVENT e DO DELETE FROM o.t", ""),
        (
            "CREATE VIEW v AS SELECT a.x, b.y FROM t AS a JOIN u AS b ON a.x = b.x WHERE a.x > 1",
            "view v: ",
        ),
        ("CREATE VIEW v AS SELECT a.x, TRIM(LEADING 'x' FROM a.y) FROM t a, o.u b", "view v: o"),
        ("CREATE VIEW v AS (SELECT 1 FROM (t a LEFT JOIN (o.u b) ON a.x = b.x))", "view v: o"),
        ("CREATE VIEW v AS SELECT a.x FROM t a JOIN u b ON (a.x = b.y), `o`.`c`", "view v: o"),
        (
            "CREATE VIEW v AS SELECT a.x, (SELECT b.y FROM o.b) FROM t a ORDER BY a.x, a.y",
            "view v: o",
        ),
        (
            "CREATE VIEW v AS SELECT STRAIGHT_JOIN a.x FROM t a WINDOW w AS (ORDER BY a.x)",
            "view v: ",
        ),
        ("CREATE VIEW v AS SELECT o.f()", "view v: o"),
        ("ALTER VIEW v AS SELECT 1 FROM o.t", "view v: o"),
        ("CREATE TABLE t (a INT)", ""),
        (
            "CREATE TRIGGER a BEFORE INSERT ON t FOR EACH ROW SET @a = 1; CREATE VIEW v AS SELECT 1 \
             FROM o.t; CREATE PROCEDURE p() BEGIN SELECT 1; DELETE FROM q.t; END; SELECT 1",
            "trigger a on t: , view v: o, procedure p: q",
        ),
    ] {
        assert_eq!(programs(text, &reading(false)), expected, "{text}");
    }
    for (text, expected) in [
        ("CREATE PROCEDURE p AS BEGIN o.q; END", "procedure p: o"),
        ("CREATE PROCEDURE p AS a INT; BEGIN IF 1 THEN o.q(1); END IF; END", "procedure p: o"),
        ("CREATE PACKAGE BODY k AS PROCEDURE q AS BEGIN DELETE FROM o.t; END; END", "package k: o"),
        ("CREATE FUNCTION f() RETURNS INT RETURN NEXT VALUE FOR o.s", "function f: o"),
        ("CREATE TRIGGER g AFTER INSERT ON t FOR EACH ROW DO SETVAL(o.s, 1)", "trigger g on t: o"),
        (
            "CREATE FUNCTION f() RETURNS INT BEGIN SET STATEMENT a = value FOR UPDATE o.t SET b = 1; \
             RETURN 1; END",
            "function f: o",
        ),
    ] {
        assert_eq!(programs(text, &reading(true)), expected, "{text}");
    }
    // Not examined to the end, and said so.
    let many = "UPDATE t SET a = 1 ".repeat(40);
    let text = format!("CREATE PROCEDURE p() BEGIN {many}; END");
    assert!(programs(&text, &reading(true)).ends_with("more statements than are examined"));
}

#[test]
fn what_statements_run_of_the_script_is_found() {
    let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
    let made = Made {
        tables: names(&["fires", "schöner"]),
        views: names(&["v"]),
        functions: names(&["f", "t"]),
        packages: names(&["k"]),
        views_call: true,
        mixed: false,
    };
    let run = |text: &str, made: &Made| {
        let several = can_be_several(text.as_bytes(), false);
        match runs(text.as_bytes(), &reading(true), several, made) {
            None => String::new(),
            Some(Run::Changes(name)) => format!("changes {name}"),
            Some(Run::Calls(name)) => format!("calls {name}"),
            Some(Run::Reads(name)) => format!("reads {name}"),
        }
    };
    for (text, expected) in [
        ("INSERT INTO `Fires` VALUES (1)", "changes Fires"),
        ("INSERT INTO .fires VALUES (1)", "changes fires"),
        ("REPLACE LOW_PRIORITY x.fires SET a = 1", "changes fires"),
        ("INSERT INTO `schöner` VALUES (1)", "changes schöner"),
        ("INSERT INTO v VALUES (1)", "changes v"),
        ("UPDATE u JOIN fires ON 1 SET fires.a = 1", "changes fires"),
        ("DELETE FROM fires", "changes fires"),
        ("WITH q AS (SELECT 1) UPDATE fires SET a = 1", "changes fires"),
        ("SET STATEMENT a = 1 FOR INSERT INTO fires VALUES (1)", "changes fires"),
        ("ANALYZE DELETE FROM fires", "changes fires"),
        ("LOAD DATA INFILE 'x' INTO TABLE fires", "changes fires"),
        ("BEGIN NOT ATOMIC INSERT INTO fires VALUES (1); END", "changes fires"),
        ("DO 1; INSERT INTO fires VALUES (1)", "changes fires"),
        ("INSERT INTO u VALUES (1, 'f(1)', x . `F` (1))", "calls F"),
        ("INSERT INTO u SET a = f/**/()", "calls f"),
        ("INSERT INTO u VALUES (k.g())", "calls k"),
        ("INSERT INTO u VALUES (1) RETURNING f()", "calls f"),
        ("SELECT f()", "calls f"),
        ("DO f()", "calls f"),
        ("SET @a = 1, @b = f()", "calls f"),
        ("CREATE TABLE f (a INT) AS SELECT f()", "calls f"),
        ("SHOW TABLES WHERE f()", "calls f"),
        ("SELECT * FROM `V`", "reads V"),
        ("CREATE TABLE u SELECT * FROM v", "reads v"),
        ("INSERT INTO u TABLE v", "reads v"),
        ("SET @a = (SELECT 1 FROM v)", "reads v"),
        // What dumps have.
        ("INSERT INTO `t` (`v`, `f`) VALUES (1,'fires(',_binary 'f(')", ""),
        ("INSERT INTO t VALUES (1),(2)", ""),
        ("INSERT INTO u SELECT * FROM fires", ""),
        ("SELECT * FROM fires FOR UPDATE", ""),
        ("CREATE TABLE f (a INT, KEY f (a), KEY t (a))", ""),
        ("CREATE VIEW w AS SELECT f() FROM v", ""),
        ("CREATE TRIGGER g BEFORE INSERT ON fires FOR EACH ROW INSERT INTO fires VALUES (f())", ""),
        ("CREATE PROCEDURE p() BEGIN INSERT INTO fires VALUES (1); END", ""),
        ("ALTER TABLE fires DISABLE KEYS", ""),
        ("LOCK TABLES fires WRITE, v READ", ""),
        ("DROP TABLE IF EXISTS fires", ""),
        ("TRUNCATE fires", ""),
        ("ANALYZE TABLE fires", ""),
        ("SET @f = @@sql_mode", ""),
        ("USE fires", ""),
    ] {
        assert_eq!(run(text, &made), expected, "{text}");
    }
    let plain = Made { tables: names(&["fires", "schöner"]), ..Made::default() };
    assert_eq!(run("INSERT INTO u VALUES (f())", &plain), "");
    assert_eq!(run("INSERT INTO `größer` VALUES (1)", &plain), "");
    let mixed = Made { mixed: true, ..plain };
    assert_eq!(run("INSERT INTO `größer` VALUES (1)", &mixed), "changes größer");
    assert_eq!(run("INSERT INTO u VALUES (1)", &mixed), "");
    let accents = Made { functions: names(&["prüfe"]), ..Made::default() };
    assert_eq!(run("DO prufe()", &accents), "calls prufe");
    assert_eq!(run("INSERT INTO u VALUES (1)", &accents), "");
}

#[test]
fn renames_are_found() {
    for (text, expected) in [
        ("RENAME TABLE a TO b, x.c TO c2", "a TO b x c TO c2"),
        ("ALTER TABLE x.a RENAME TO x.b", "a b"),
        ("ALTER TABLE a ADD c INT, RENAME b", "a b"),
        ("ALTER TABLE a RENAME COLUMN b TO c", ""),
        ("ALTER TABLE t EXCHANGE PARTITION p WITH TABLE u", ""),
    ] {
        let found = examine(text.as_bytes(), &reading(false), false);
        assert_eq!(found.renames.join(" "), expected, "{text}");
    }
}

proptest::proptest! {
    #[test]
    fn any_bytes_are_examined(bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..200)) {
        for reading in [reading(false), reading(true)] {
            let found = examine(&bytes, &reading, true);
            for mention in found.databases {
                assert!(bytes.get(mention.range).is_some());
            }
        }
    }

    #[test]
    fn any_words_are_examined(text in r"((CREATE|DROP|SET|DEFINER|=|@|a|\.|;|BEGIN|END|CASE|\(|\)|'|`|/\*!|\*/|TABLE|IF) ?){0,40}") {
        examine(text.as_bytes(), &reading(true), true);
    }

    #[test]
    fn any_body_is_examined(text in r"((BEGIN|END|;|SELECT|FROM|JOIN|ON|INSERT|UPDATE|SET|DELETE|DROP TABLE|a|\.|\(|\)|,|FOR|CALL|PREPARE|EXECUTE|IF|THEN) ?){0,60}") {
        for head in ["CREATE TRIGGER g BEFORE INSERT ON t FOR EACH ROW ", "CREATE VIEW v AS "] {
            let text = format!("{head}{text}");
            for several in [false, true] {
                for program in examine(text.as_bytes(), &reading(true), several).programs {
                    for mention in program.databases {
                        assert!(text.get(mention.range).is_some());
                    }
                }
                runs(text.as_bytes(), &reading(true), several, &Made::default());
            }
        }
    }
}

/// What is nested as deep as a file can make it takes no more stack than anything else.
#[test]
fn nothing_is_followed_into_any_depth() {
    let deep = |begin: &str| begin.repeat(100_000);
    for text in [
        format!("SET sql_mode = {}", deep("CONCAT(")),
        format!("SET @a = {}", deep("IFNULL(")),
        deep("SET STATEMENT FOR "),
        deep("EXPLAIN "),
        deep("WITH SELECT "),
        format!("CREATE VIEW v AS SELECT {}", deep("(SELECT ")),
        format!("CREATE PROCEDURE p() {}", deep("BEGIN ")),
        format!("CREATE PROCEDURE p() {}", deep("CREATE PROCEDURE q() ")),
        format!("UPDATE {}", deep("(t JOIN ")),
    ] {
        for several in [false, true] {
            examine(text.as_bytes(), &reading(true), several);
            examine(text.as_bytes(), &reading(false), several);
        }
    }
}
