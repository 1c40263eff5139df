-- Rows of the past are left out by default: the manifest says so.
-- warning: history
SET @@timestamp = UNIX_TIMESTAMP('2020-01-01 00:00:00');
CREATE TABLE t (a INT PRIMARY KEY, b INT) WITH SYSTEM VERSIONING;
INSERT INTO t VALUES (1, 1), (2, 2), (3, 3);
SET @@timestamp = UNIX_TIMESTAMP('2020-01-02 00:00:00');
UPDATE t SET b = b + 10 WHERE a < 3;
DELETE FROM t WHERE a = 2;
