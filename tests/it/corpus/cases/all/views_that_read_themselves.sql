-- lost: view v1
-- stock fails: they cannot dump a database with such a view
-- A view that a renaming has made its own table.
CREATE TABLE t (a INT);
INSERT INTO t VALUES (1);
CREATE VIEW v1 AS SELECT a FROM t;
CREATE VIEW v2 AS SELECT a FROM v1;
DROP VIEW v1;
RENAME TABLE v2 TO v1;
