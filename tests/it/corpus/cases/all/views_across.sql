-- Views of two databases whose tables have the same name.
-- databases: 2
-- stock fails on mysql: in the database of the view the server prints the columns of both tables alike
CREATE DATABASE {{1}};
CREATE DATABASE {{2}};
CREATE TABLE {{1}}.t (a INT, b INT);
CREATE TABLE {{2}}.t (a INT);
CREATE TABLE {{2}}.u (a INT);
INSERT INTO {{1}}.t VALUES (1, 1), (2, 2);
INSERT INTO {{2}}.t VALUES (2), (3);
USE {{1}};
CREATE VIEW joined AS SELECT {{1}}.t.a, {{2}}.t.a AS b FROM {{1}}.t JOIN {{2}}.t ON {{1}}.t.b = {{2}}.t.a;
CREATE VIEW correlated AS SELECT a FROM t WHERE EXISTS (SELECT 1 FROM {{2}}.t WHERE {{2}}.t.a = {{1}}.t.a);
CREATE VIEW an_alias AS SELECT a FROM t WHERE EXISTS (SELECT 1 FROM {{2}}.u AS t WHERE t.a = {{1}}.t.a);
CREATE VIEW apart AS SELECT t.a, u.a AS b FROM t LEFT JOIN {{2}}.u ON t.a = u.a;
