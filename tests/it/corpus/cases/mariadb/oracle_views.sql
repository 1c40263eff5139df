-- Views made in other SQL modes than the script's.
CREATE TABLE t (a INT, `we"ird` INT);
SET sql_mode = 'ORACLE';
CREATE VIEW o AS SELECT a || '\\' AS s, "we""ird" FROM t;
SET sql_mode = 'ANSI_QUOTES,NO_BACKSLASH_ESCAPES,PIPES_AS_CONCAT';
CREATE VIEW n AS SELECT 'a\' || 'it''s' AS s, "a" AS "q""x" FROM t WHERE "a" = 1;
SET sql_mode = 'HIGH_NOT_PRECEDENCE';
CREATE VIEW h AS SELECT NOT a BETWEEN 1 AND 2 AS x FROM t;
SET sql_mode = 'NO_UNSIGNED_SUBTRACTION,REAL_AS_FLOAT,MSSQL';
CREATE VIEW m AS SELECT CAST(a AS DOUBLE) AS r FROM t;
