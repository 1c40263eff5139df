-- Views of own tables and a table function: the server then prints the name of the database with each.
-- stock loses: the name of the database that was dumped, with the tables of the view
CREATE TABLE t (a INT, c JSON);
INSERT INTO t VALUES (1, '[1, 2]');
CREATE SEQUENCE s;
CREATE VIEW rows_of AS SELECT t.a, j.x FROM t JOIN JSON_TABLE(t.c, '$[*]' COLUMNS (x INT PATH '$')) j;
CREATE VIEW aliased AS SELECT q.a, j.x FROM t AS q LEFT JOIN (t AS r JOIN t) ON r.a = q.a JOIN JSON_TABLE(q.c, '$[*]' COLUMNS (x INT PATH '$')) j;
CREATE VIEW nested AS SELECT z.a FROM (SELECT a FROM t WHERE EXISTS (SELECT 1 FROM rows_of WHERE rows_of.a = t.a)) z JOIN JSON_TABLE('[1]', '$[*]' COLUMNS (x INT PATH '$')) j;
CREATE VIEW of_sequence AS SELECT NEXTVAL(s) AS n FROM t JOIN JSON_TABLE(t.c, '$[*]' COLUMNS (x INT PATH '$')) j;
CREATE VIEW united AS SELECT a FROM t UNION SELECT x FROM JSON_TABLE('[1]', '$[*]' COLUMNS (x INT PATH '$')) j UNION ALL (SELECT a FROM t);
