-- Views that the server itself cannot use any more: kept as text, and named.
-- lost: view no_table
-- lost: view no_column
-- lost: view no_function
-- lost: view on_broken
-- lost: view z_broken
-- stock fails: the dump tools stop at a view that cannot be used
CREATE TABLE t (a INT, b INT);
CREATE TABLE gone (a INT);
CREATE FUNCTION f() RETURNS INT DETERMINISTIC RETURN 1;
CREATE VIEW no_table AS SELECT a, 'x\n-- y' FROM gone;
CREATE VIEW no_column AS SELECT a, b FROM t;
CREATE VIEW no_function AS SELECT f() AS f;
CREATE VIEW on_broken AS SELECT a FROM no_table;
CREATE VIEW z_broken AS SELECT 1 AS x FROM gone;
CREATE VIEW works AS SELECT a FROM t;
DROP TABLE gone;
ALTER TABLE t DROP COLUMN b;
DROP FUNCTION f;
INSERT INTO t VALUES (1);
