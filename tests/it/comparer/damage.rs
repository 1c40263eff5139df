//! What can go wrong with a database, piece by piece, and what must be said about it.
//!
//! Pieces of one list are done one after the other in the same database.

use crate::harness::Flavor;

/// One piece of damage.
pub(crate) struct Damage {
    /// The flavour it can be done on; `None` is both.
    pub(crate) flavor: Option<Flavor>,
    pub(crate) statements: &'static [&'static str],
    /// Beginnings of report lines: each must begin one or more lines, and every line must begin
    /// with one …
    pub(crate) reported: &'static [&'static str],
    /// … or with one of these, which some servers report and others do not.
    pub(crate) maybe: &'static [&'static str],
}

impl Damage {
    const fn maybe(self, maybe: &'static [&'static str]) -> Self {
        Self { maybe, ..self }
    }
}

const fn damage(statements: &'static [&'static str], reported: &'static [&'static str]) -> Damage {
    Damage { flavor: None, statements, reported, maybe: &[] }
}

const fn mariadb(statements: &'static [&'static str], reported: &'static [&'static str]) -> Damage {
    Damage { flavor: Some(Flavor::MariaDb), statements, reported, maybe: &[] }
}

const fn mysql(statements: &'static [&'static str], reported: &'static [&'static str]) -> Damage {
    Damage { flavor: Some(Flavor::MySql), statements, reported, maybe: &[] }
}

/// What is there before the damage.
pub(crate) const FIXTURE: &[&str] = &[
    "SET sql_mode = '', time_zone = '+00:00'",
    "CREATE TABLE parent (id INT PRIMARY KEY) ENGINE=InnoDB",
    "CREATE TABLE t (
       id INT NOT NULL AUTO_INCREMENT PRIMARY KEY,
       base INT DEFAULT 1,
       raw BLOB,
       bin VARBINARY(20),
       single FLOAT,
       twofold DOUBLE,
       number DECIMAL(30,10),
       big BIGINT UNSIGNED,
       words VARCHAR(50) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin DEFAULT 'none' COMMENT 'said',
       fixed CHAR(10) CHARACTER SET utf8mb4,
       old VARCHAR(50) CHARACTER SET latin1,
       wide VARCHAR(50) CHARACTER SET utf16,
       instant TIMESTAMP(6) NULL,
       moment DATETIME(6),
       day DATE,
       span TIME(6),
       vintage YEAR,
       choice ENUM('','a'),
       several SET('','x','y'),
       bits BIT(10),
       smile VARCHAR(5) CHARACTER SET utf8mb4 DEFAULT '😀',
       face ENUM('a','😀') CHARACTER SET utf8mb4,
       doc JSON,
       shape GEOMETRY,
       hidden INT DEFAULT 7 INVISIBLE,
       doubled INT GENERATED ALWAYS AS (base * 2) VIRTUAL,
       parent_id INT,
       KEY pair (day, moment),
       KEY named (vintage) COMMENT 'by year',
       CONSTRAINT of_parent FOREIGN KEY (parent_id) REFERENCES parent (id),
       CONSTRAINT positive CHECK (base > 0)
     ) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_ci COMMENT='things'",
    "INSERT INTO t (id, base, raw, bin, single, twofold, number, big, words, fixed, old, wide, \
       instant, moment, day, span, vintage, choice, several, bits, doc, shape) VALUES \
       (1, 5, REPEAT('long', 1000), 'a', 16777216, 0.1, 0.1, 18446744073709551614, 'a', 'a', \
        _latin1 x'80', '😀', '2024-01-01 00:00:00.000001', '2024-01-01 00:00:00.000001', \
        '2024-01-01', '-00:00:00.000001', 2000, '', 'x', 1, '\"2024-01-01\"', \
        ST_GeomFromText('POINT(1 2)', 0))",
    "INSERT INTO t (id, base, words) VALUES (2, 5, NULL), (3, 5, '')",
    "CREATE TABLE keyless (a INT, b VARCHAR(10))",
    "INSERT INTO keyless VALUES (1, 'x'), (1, 'x'), (2, NULL)",
    "CREATE TABLE parted (day DATE NOT NULL) PARTITION BY RANGE (YEAR(day)) \
       (PARTITION old VALUES LESS THAN (2000) COMMENT 'past', PARTITION new VALUES LESS THAN MAXVALUE)",
    "CREATE ALGORITHM=MERGE VIEW v AS SELECT id, words FROM t WHERE id > 0",
    "CREATE VIEW over_v AS SELECT id FROM v",
    "CREATE TRIGGER first BEFORE INSERT ON keyless FOR EACH ROW SET NEW.a = NEW.a + 1",
    "CREATE TRIGGER second BEFORE INSERT ON keyless FOR EACH ROW SET NEW.a = NEW.a * 2",
    "CREATE FUNCTION f(a VARCHAR(10)) RETURNS VARCHAR(10) DETERMINISTIC NO SQL COMMENT 'same' RETURN a",
    "CREATE PROCEDURE p() COMMENT 'nothing' SELECT 1",
    "CREATE EVENT e ON SCHEDULE EVERY 1 DAY STARTS '2036-01-01 00:00:00' \
       ENDS '2037-01-01 00:00:00' ON COMPLETION PRESERVE COMMENT 'yawn' DO SELECT 1",
];

/// What is added to that on MariaDB.
pub(crate) const MARIADB_FIXTURE: &[&str] = &[
    "CREATE SEQUENCE s START WITH 5 INCREMENT BY 3 CACHE 10",
    "CREATE TABLE counted (id INT DEFAULT (NEXT VALUE FOR s))",
    "CREATE TABLE history (id INT PRIMARY KEY, a INT) WITH SYSTEM VERSIONING",
    "INSERT INTO history VALUES (1, 1)",
    "SET sql_mode = 'ORACLE'",
    "CREATE PACKAGE pack AS FUNCTION one RETURN INT; END",
    "CREATE PACKAGE BODY pack AS FUNCTION one RETURN INT AS BEGIN RETURN 1; END; END",
];

/// What is added on MySQL.
pub(crate) const MYSQL_FIXTURE: &[&str] = &[
    "CREATE LIBRARY lib LANGUAGE JAVASCRIPT AS 'export function one() { return 1 }'",
    "SET sql_generate_invisible_primary_key = ON",
    "CREATE TABLE unkeyed (a INT)",
    "INSERT INTO unkeyed VALUES (1), (2)",
    "CREATE TABLE measured (id INT PRIMARY KEY, a INT)",
    "INSERT INTO measured VALUES (1, 1), (2, 3)",
    "ANALYZE TABLE measured UPDATE HISTOGRAM ON a WITH 4 BUCKETS",
];

/// Changes of values in the row 1 of `t` unless the statement says otherwise.
pub(crate) const VALUES: &[Damage] = &[
    // Bit 0 of one byte in the middle.
    damage(
        &["UPDATE t SET raw = INSERT(raw, 2001, 1, 'm') WHERE id = 1"],
        &["table t, data", "table t, row id=1, raw"],
    ),
    damage(
        &["UPDATE t SET bin = x'6100' WHERE id = 1"],
        &["table t, data", "table t, row id=1, bin"],
    ),
    // Both floats print as 16777200.
    damage(
        &["UPDATE t SET single = 16777218 WHERE id = 1"],
        &["table t, data", "table t, row id=1, single"],
    ),
    damage(
        &["UPDATE t SET twofold = 0.10000000000000002 WHERE id = 1"],
        &["table t, data", "table t, row id=1, twofold"],
    ),
    damage(
        &["UPDATE t SET number = 0.1000000001 WHERE id = 1"],
        &["table t, data", "table t, row id=1, number"],
    ),
    // As a DOUBLE both are the same number.
    damage(
        &["UPDATE t SET big = 18446744073709551615 WHERE id = 1"],
        &["table t, data", "table t, row id=1, big"],
    ),
    damage(
        &["UPDATE t SET words = '' WHERE id = 2"],
        &["table t, data", "table t, row id=2, words: NULL | ''"],
    ),
    damage(
        &["UPDATE t SET words = 'a ' WHERE id = 1"],
        &["table t, data", "table t, row id=1, words: 'a' | 'a '"],
    ),
    damage(
        &["UPDATE t SET words = 'A ' WHERE id = 1"],
        &["table t, data", "table t, row id=1, words"],
    ),
    // A CHAR is padded where it is stored: this changes nothing.
    damage(&["UPDATE t SET fixed = 'a   ' WHERE id = 1"], &[]),
    damage(
        &["UPDATE t SET fixed = ' a' WHERE id = 1"],
        &["table t, data", "table t, row id=1, fixed"],
    ),
    damage(
        &["UPDATE t SET old = _latin1 x'81' WHERE id = 1"],
        &["table t, data", "table t, row id=1, old: '\\x80' | '\\x81'"],
    ),
    damage(
        &["UPDATE t SET wide = '😁' WHERE id = 1"],
        &["table t, data", "table t, row id=1, wide: '\\xd8=\\xde"],
    ),
    damage(
        &["UPDATE t SET instant = '2024-01-01 00:00:00.000002' WHERE id = 1"],
        &["table t, data", "table t, row id=1, instant"],
    ),
    damage(
        &["UPDATE t SET moment = '2024-01-01 00:00:00.000002' WHERE id = 1"],
        &["table t, data", "table t, row id=1, moment"],
    ),
    damage(
        &["UPDATE t SET day = '0000-00-00' WHERE id = 2"],
        &["table t, data", "table t, row id=2, day: NULL | '0000-00-00'"],
    ),
    damage(
        &["UPDATE t SET day = '2024-00-01' WHERE id = 2"],
        &["table t, data", "table t, row id=2, day"],
    ),
    damage(
        &["UPDATE t SET span = '00:00:00.000001' WHERE id = 1"],
        &["table t, data", "table t, row id=1, span"],
    ),
    damage(
        &["UPDATE t SET vintage = 0 WHERE id = 1"],
        &["table t, data", "table t, row id=1, vintage"],
    ),
    // The error value, which prints like the member ''.
    damage(
        &["UPDATE t SET choice = 'b' WHERE id = 1"],
        &["table t, data", "table t, row id=1, CAST(`choice` AS UNSIGNED): 1 | 0"],
    ),
    // The members '' and x together print like x alone.
    damage(
        &["UPDATE t SET several = 3 WHERE id = 1"],
        &["table t, data", "table t, row id=1, CAST(`several` AS UNSIGNED): 2 | 3"],
    ),
    damage(
        &["UPDATE t SET bits = 513 WHERE id = 1"],
        &["table t, data", "table t, row id=1, bits"],
    ),
    damage(
        &["UPDATE t SET doc = '\"2024-01-02\"' WHERE id = 1"],
        &["table t, data", "table t, row id=1, doc"],
    ),
    mysql(
        &["UPDATE t SET doc = CAST(CAST('2024-01-02' AS DATE) AS JSON) WHERE id = 1"],
        &["table t, data", "table t, row id=1, JSON_TYPE(`doc`): 'STRING' | 'DATE'"],
    ),
    damage(
        &["UPDATE t SET shape = ST_GeomFromText('POINT(1 2)', 4326) WHERE id = 1"],
        &["table t, data", "table t, row id=1, shape"],
    ),
    damage(
        &["UPDATE t SET hidden = 8 WHERE id = 1"],
        &["table t, data", "table t, row id=1, hidden: 7 | 8"],
    ),
    damage(
        &["UPDATE t SET base = 6 WHERE id = 3"],
        &["table t, data", "table t, row id=3, base: 5 | 6", "table t, row id=3, doubled: 10 | 12"],
    ),
    damage(
        &["DELETE FROM t WHERE id = 3"],
        &["table t, data", "table t, row id=3, exists: true | false"],
    ),
    // One of two equal rows.
    damage(
        &["DELETE FROM keyless WHERE a = 1 LIMIT 1"],
        &["table keyless, data", "table keyless, row (1, 'x'), exists: true | false"],
    ),
    damage(
        &["UPDATE keyless SET b = '' WHERE a = 2"],
        &["table keyless, data", "table keyless, row (2, NULL), b: NULL | ''"],
    ),
    // The rows are the same to `SELECT *`.
    mysql(
        &["DELETE FROM unkeyed WHERE a = 2", "INSERT INTO unkeyed VALUES (2)"],
        &[
            "table unkeyed, data",
            "table unkeyed, row my_row_id=2, exists: true | false",
            "table unkeyed, row my_row_id=3, exists: false | true",
            "table unkeyed, AUTO_INCREMENT",
            "table unkeyed, Create Table",
        ],
    ),
    mariadb(&["SELECT NEXT VALUE FOR s"], &["sequence s, next_not_cached_value: '5' | '35'"]),
    mariadb(
        &["UPDATE history SET a = 2 WHERE id = 1", "UPDATE history SET a = 1 WHERE id = 1"],
        &["table history, versions: 1 row versions"],
    ),
];

/// Changes of tables and of the database.
pub(crate) const TABLES: &[Damage] = &[
    // The server prints both as a question mark, before and after.
    damage(
        &["ALTER TABLE t ALTER COLUMN smile SET DEFAULT '😁'"],
        &["column t.smile, exact default"],
    )
    .maybe(&["table t, Create Table"]),
    damage(
        &["ALTER TABLE t MODIFY face ENUM('a','😁') CHARACTER SET utf8mb4"],
        &["column t.face, exact members"],
    ),
    damage(
        &["ALTER TABLE t AUTO_INCREMENT = 100"],
        &["table t, AUTO_INCREMENT: '4' | '100'", "table t, Create Table"],
    ),
    damage(
        &["ALTER TABLE t COMMENT = 'thing'"],
        &["table t, TABLE_COMMENT", "table t, Create Table"],
    ),
    damage(
        &["ALTER TABLE t ALTER COLUMN words SET DEFAULT 'nothing'"],
        &[
            "column t.words, COLUMN_DEFAULT",
            "column v.words, COLUMN_DEFAULT",
            "table t, Create Table",
        ],
    ),
    damage(
        &["ALTER TABLE t MODIFY words VARCHAR(50) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin \
           DEFAULT 'nothing' COMMENT 'heard'"],
        &[
            "column t.words, COLUMN_COMMENT",
            "column v.words, COLUMN_COMMENT",
            "table t, Create Table",
        ],
    ),
    damage(
        &["ALTER TABLE t MODIFY words VARCHAR(50) CHARACTER SET utf8mb4 \
           COLLATE utf8mb4_unicode_ci DEFAULT 'nothing' COMMENT 'heard'"],
        &[
            "column t.words, COLLATION_NAME",
            "column v.words, COLLATION_NAME",
            "table t, Create Table",
        ],
    ),
    // The character set of a column whose text stays the same.
    damage(
        &["ALTER TABLE t MODIFY fixed CHAR(10) CHARACTER SET latin1"],
        &["column t.fixed, CHAR", "column t.fixed, COLL", "table t, Create Table"],
    ),
    damage(
        &["ALTER TABLE t DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin"],
        &["table t, TABLE_COLLATION", "table t, Create Table"],
    ),
    damage(
        &["ALTER TABLE t MODIFY base INT NOT NULL DEFAULT 1"],
        &["column t.base, IS_NULLABLE", "table t, Create Table"],
    ),
    damage(
        &["ALTER TABLE t MODIFY hidden INT DEFAULT 7"],
        &["column t.hidden, EXTRA", "table t, Create Table"],
    ),
    damage(
        &["ALTER TABLE t DROP INDEX pair, ADD INDEX pair (moment, day)"],
        &[
            "index t.pair, part 1 COLUMN_NAME: 'day' | 'moment'",
            "index t.pair, part 2 COLUMN_NAME: 'moment' | 'day'",
            "column t.day, COLUMN_KEY",
            "column t.moment, COLUMN_KEY",
            "table t, Create Table",
        ],
    ),
    damage(
        &["ALTER TABLE t DROP INDEX named, ADD INDEX named (vintage DESC) COMMENT 'by year'"],
        &["index t.named, part 1 COLLATION: 'A' | 'D'", "table t, Create Table"],
    ),
    damage(
        &["ALTER TABLE t DROP INDEX named, ADD INDEX named (vintage DESC) COMMENT 'year'"],
        &["index t.named, part 1 INDEX_COMMENT", "table t, Create Table"],
    ),
    damage(
        &[
            "ALTER TABLE t DROP FOREIGN KEY of_parent",
            "ALTER TABLE t ADD CONSTRAINT of_parent FOREIGN KEY (parent_id) REFERENCES parent (id) \
           ON DELETE CASCADE",
        ],
        &["table t, Create Table"],
    ),
    damage(
        &[
            "ALTER TABLE t DROP CONSTRAINT positive",
            "ALTER TABLE t ADD CONSTRAINT positive CHECK (base > 1)",
        ],
        &["table t, Create Table"],
    ),
    damage(
        &["ALTER TABLE keyless ADD COLUMN c INT"],
        &["column keyless.c, exists: false | true", "table keyless, "],
    ),
    damage(
        &["ALTER TABLE parent ROW_FORMAT = COMPRESSED"],
        &["table parent, CREATE_OPTIONS", "table parent, ROW_FORMAT", "table parent, Create Table"],
    ),
    damage(
        &["ALTER TABLE parted REORGANIZE PARTITION old INTO \
           (PARTITION older VALUES LESS THAN (2000) COMMENT 'past')"],
        &[
            "partition parted.old, exists: true | false",
            "partition parted.older, exists: false | true",
            "table parted, Create Table",
        ],
    ),
    damage(
        &["CREATE TABLE extra (a INT)"],
        &["table extra, exists: false | true", "column extra.a, exists: false | true"],
    ),
    mysql(
        &["ALTER TABLE t ALTER INDEX named INVISIBLE"],
        &["index t.named, part 1 IS_VISIBLE", "table t, Create Table"],
    ),
    mariadb(
        &["ALTER TABLE t ALTER INDEX named IGNORED"],
        &["index t.named, part 1 IGNORED", "table t, Create Table"],
    ),
    mariadb(&["ALTER SEQUENCE s INCREMENT BY 4"], &["sequence s, "]),
    damage(
        &["ALTER DATABASE COLLATE utf8mb4_bin"],
        &["database, DEFAULT_COLLATION_NAME", "database, DEFAULT_CHARACTER_SET_NAME"],
    ),
    mariadb(&["ALTER DATABASE COMMENT 'ours'"], &["database, SCHEMA_COMMENT"]),
];

/// Changes of views, triggers, routines and events.
pub(crate) const PROGRAMS: &[Damage] = &[
    damage(
        &["ALTER ALGORITHM=TEMPTABLE VIEW v AS SELECT id, words FROM t WHERE id > 0"],
        &["view v, "],
    )
    .maybe(&["view over_v, IS_UPDATABLE"]),
    damage(
        &["ALTER ALGORITHM=TEMPTABLE SQL SECURITY INVOKER VIEW v AS \
           SELECT id, words FROM t WHERE id > 0"],
        &["view v, SECURITY_TYPE: 'DEFINER' | 'INVOKER'", "view v, Create View"],
    ),
    damage(
        &["ALTER ALGORITHM=TEMPTABLE DEFINER='nobody'@'nowhere' SQL SECURITY INVOKER VIEW v AS \
           SELECT id, words FROM t WHERE id > 0"],
        &["view v, DEFINER: ", "view v, Create View"],
    ),
    damage(
        &["ALTER ALGORITHM=MERGE DEFINER='nobody'@'nowhere' SQL SECURITY INVOKER VIEW v AS \
           SELECT id, words FROM t WHERE id > 0 WITH LOCAL CHECK OPTION"],
        &["view v, "],
    )
    .maybe(&["view over_v, IS_UPDATABLE"]),
    // A stand-in that was never replaced: the same columns, but constants.
    damage(
        &["CREATE OR REPLACE VIEW over_v AS SELECT 1 AS id"],
        &["view over_v, Create View", "view over_v, VIEW_DEFINITION", "view over_v, IS_UPDATABLE"],
    )
    .maybe(&["column over_v.id, "]),
    damage(
        &["DROP VIEW over_v"],
        &["view over_v, exists: true | false", "column over_v.id, exists"],
    ),
    damage(
        &[
            "DROP TRIGGER second",
            "CREATE DEFINER='nobody'@'nowhere' TRIGGER second \
           BEFORE INSERT ON keyless FOR EACH ROW SET NEW.a = NEW.a * 2",
        ],
        &["trigger second, DEFINER", "trigger second, SQL Original Statement"],
    ),
    damage(
        &[
            "DROP TRIGGER first",
            "CREATE TRIGGER first BEFORE INSERT ON keyless FOR EACH ROW \
           SET NEW.a = NEW.a + 1",
        ],
        &["trigger first, ACTION_ORDER: '1' | '2'", "trigger second, ACTION_ORDER: '2' | '1'"],
    ),
    damage(
        &[
            "SET sql_mode = 'ANSI_QUOTES'",
            "DROP TRIGGER first",
            "CREATE TRIGGER first BEFORE INSERT ON keyless FOR EACH ROW SET NEW.a = NEW.a + 1",
        ],
        &["trigger first, SQL_MODE", "trigger first, sql_mode"],
    )
    .maybe(&["trigger first, SQL Original Statement"]),
    damage(
        &[
            "SET NAMES latin1",
            "SET sql_mode = 'ANSI_QUOTES'",
            "DROP TRIGGER first",
            "CREATE TRIGGER first BEFORE INSERT ON keyless FOR EACH ROW SET NEW.a = NEW.a + 1",
        ],
        &[
            "trigger first, CHARACTER_SET_CLIENT",
            "trigger first, COLLATION_CONNECTION",
            "trigger first, character_set_client",
            "trigger first, collation_connection",
        ],
    ),
    damage(
        &["DROP TRIGGER second"],
        &["trigger second, exists: true | false", "trigger first, ACTION_ORDER"],
    ),
    damage(
        &[
            "SET sql_mode = 'ANSI_QUOTES'",
            "DROP PROCEDURE p",
            "CREATE PROCEDURE p() COMMENT 'nothing' SELECT 1",
        ],
        // The text is quoted as the routine's own sql_mode says.
        &["procedure p, SQL_MODE", "procedure p, sql_mode", "procedure p, Create Procedure"],
    ),
    damage(
        &["ALTER PROCEDURE p COMMENT 'something'"],
        &["procedure p, ROUTINE_COMMENT: 'nothing' | 'something'", "procedure p, Create Procedure"],
    ),
    damage(
        &["ALTER PROCEDURE p SQL SECURITY INVOKER"],
        &["procedure p, SECURITY_TYPE", "procedure p, Create Procedure"],
    ),
    // The collation of a parameter is the database's at that time.
    damage(
        &[
            "ALTER DATABASE COLLATE latin1_bin",
            "DROP FUNCTION f",
            "CREATE FUNCTION f(a VARCHAR(10)) RETURNS VARCHAR(10) DETERMINISTIC NO SQL COMMENT 'same' RETURN a",
        ],
        &[
            "function f, DATABASE_COLLATION",
            "function f, Database Collation",
            "function f, parameter 1 COLLATION_NAME",
            "function f, ",
            "database, DEFAULT_COLLATION_NAME",
        ],
    ),
    damage(
        &[
            "DROP FUNCTION f",
            "CREATE FUNCTION f(a VARCHAR(10)) RETURNS VARCHAR(10) DETERMINISTIC NO SQL COMMENT 'same' RETURN  a",
        ],
        &["function f, Create Function", "function f, ROUTINE_DEFINITION"],
    ),
    damage(&["ALTER DATABASE COLLATE latin1_swedish_ci"], &["database, DEFAULT_COLLATION_NAME"]),
    damage(
        &["ALTER EVENT e DISABLE"],
        &["event e, STATUS: 'ENABLED' | 'DISABLED'", "event e, Create Event"],
    ),
    damage(
        &["ALTER EVENT e COMMENT 'awake'"],
        &["event e, EVENT_COMMENT", "event e, Create Event"],
    ),
    damage(
        &["ALTER EVENT e ON COMPLETION NOT PRESERVE"],
        &["event e, ON_COMPLETION", "event e, Create Event"],
    ),
    // The same moment in another zone.
    damage(
        &[
            "SET time_zone = '+01:00'",
            "ALTER EVENT e ON SCHEDULE EVERY 1 DAY \
           STARTS '2036-01-01 01:00:00' ENDS '2037-01-01 01:00:00' COMMENT 'awake'",
        ],
        &[
            "event e, TIME_ZONE",
            "event e, time_zone",
            "event e, STARTS",
            "event e, ENDS",
            "event e, Create Event",
        ],
    ),
    damage(&["DROP EVENT e"], &["event e, exists: true | false"]),
    mariadb(
        &[
            "SET sql_mode = 'ORACLE'",
            "CREATE OR REPLACE PACKAGE BODY pack AS FUNCTION one RETURN INT AS BEGIN RETURN 2; END; END",
        ],
        &["package body pack, Create Package Body", "package body pack, "],
    ),
    mysql(
        &["ANALYZE TABLE measured UPDATE HISTOGRAM ON a WITH 5 BUCKETS"],
        &["column measured.a, HISTOGRAM: "],
    ),
    mysql(&["ANALYZE TABLE measured DROP HISTOGRAM ON a"], &["column measured.a, HISTOGRAM"]),
    mysql(
        &["ALTER LIBRARY lib COMMENT 'shared'"],
        &["library lib, LIBRARY_COMMENT", "library lib, Create Library"],
    ),
    // The view stays, without columns that the server could tell.
    damage(
        &["DROP TABLE t"],
        &["table t, exists: true | false", "column t.", "index t.", "column v."],
    )
    .maybe(&["view v, "]),
];
