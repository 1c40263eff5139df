-- Rows that came in without strict mode: a generated column that is NOT NULL and computes NULL has its
-- type's zero. Of a statement with one row the server refuses that in any mode.
-- stock fails: the row that stands alone is refused
SET sql_mode = '';
CREATE TABLE alone (a INT, g DATETIME(6) AS (LENGTH(a) % 2) STORED NOT NULL, b BLOB, j JSON, s VARCHAR(9) CHARACTER SET sjis, v VECTOR(2), bits BIT(9));
INSERT INTO alone (b, j, s, v, bits) SELECT x'00FF27', '{"a": "\'"}', _sjis x'835C', STRING_TO_VECTOR('[1,2]'), b'100000001';
CREATE TABLE keyed (a INT, g INT AS (a + 1) STORED, b INT, PRIMARY KEY (g, b));
INSERT INTO keyed (b) SELECT 7;
CREATE TABLE several (a INT, g INT AS (a + 1) STORED NOT NULL);
INSERT INTO several (a) VALUES (NULL), (1), (NULL);
