-- stock fails on mariadb: the columns of a view whose definer is gone are printed with their database's name
-- Views: definer, security, algorithm, check option, column lists, awkward columns.
SET NAMES utf8mb4;
CREATE TABLE t (a INT, b VARCHAR(10), `it's "c"` INT);
INSERT INTO t VALUES (1, 'x', 2), (5, 'y', 6);
CREATE VIEW plain AS SELECT * FROM t;
CREATE ALGORITHM=MERGE DEFINER='nobody'@'%' SQL SECURITY INVOKER VIEW merged AS SELECT a FROM t WHERE a > 1 WITH LOCAL CHECK OPTION;
CREATE ALGORITHM=TEMPTABLE DEFINER=`o'dd "one"`@localhost SQL SECURITY DEFINER VIEW temp AS SELECT b, COUNT(*) AS n FROM t GROUP BY b;
CREATE VIEW checked AS SELECT a, b FROM t WHERE a > 0 WITH CASCADED CHECK OPTION;
CREATE VIEW listed (x, `y z`, `é``"`) AS SELECT a, b, `it's "c"` FROM t;
CREATE VIEW constants AS SELECT 1 AS one, 'it''s' AS q, 'a\\b\n' AS s, NULL AS n, 1.5e10 AS d, 0xFF AS h, b'101' AS bits, DATE '2020-01-01' AS day, 'é日😀' AS u, _latin1 0xE9 AS l, TRUE AS yes;
CREATE VIEW unnamed AS SELECT 1 + 1, a + 2, CONCAT(b, 'x') FROM t;
CREATE VIEW nested AS SELECT * FROM (SELECT a FROM t WHERE a IN (SELECT a FROM t)) AS d UNION ALL SELECT 3 ORDER BY 1 LIMIT 5;
CREATE VIEW cte AS WITH RECURSIVE n AS (SELECT 1 AS i UNION ALL SELECT i + 1 FROM n WHERE i < 3) SELECT i FROM n;
CREATE VIEW windowed AS SELECT a, ROW_NUMBER() OVER (PARTITION BY b ORDER BY a DESC) AS r FROM t;
CREATE VIEW of_catalogue AS SELECT TABLE_NAME FROM information_schema.TABLES WHERE TABLE_SCHEMA = 'x';
CREATE VIEW no_tables AS SELECT NOW() AS at;
