-- stock fails on mysql: mysqldump writes the rows of a table of generated columns only as `(),),)`
-- Generated columns, virtual and stored, first, last and alone; in keys; of every kind of expression.
SET NAMES utf8mb4;
CREATE TABLE mixed (v0 INT AS (b + 1) VIRTUAL, a INT, s0 INT AS (a * 2) STORED, b INT NOT NULL, v1 VARCHAR(20) AS (CONCAT('x', a, '''')) VIRTUAL, id INT PRIMARY KEY, s1 VARCHAR(30) AS (CONCAT(b, '-é-', a)) STORED);
INSERT INTO mixed (a, b, id) VALUES (1, 2, 1), (NULL, 5, 2), (-7, 0, 3);
CREATE TABLE only_generated (a INT AS (1 + 1) STORED, b INT AS (2) VIRTUAL);
INSERT INTO only_generated () VALUES (), (), ();
CREATE TABLE keyed (a INT, v INT AS (a % 10) VIRTUAL, s INT AS (a + 1) STORED, KEY (v), UNIQUE KEY (s, v));
INSERT INTO keyed (a) VALUES (1), (2), (35);
CREATE TABLE chained (a INT, b INT AS (a + 1) VIRTUAL, c INT AS (b + 1) VIRTUAL, d INT AS (c + b) STORED);
INSERT INTO chained (a) VALUES (1), (NULL);
CREATE TABLE kinds (j JSON, x INT AS (JSON_EXTRACT(j, '$.x')) VIRTUAL, d DATETIME, y INT AS (YEAR(d)) STORED, t VARCHAR(10), u VARCHAR(10) AS (UPPER(t)) STORED, h VARBINARY(20) AS (UNHEX(HEX(t))) STORED, f DOUBLE AS (y / 3) STORED, e ENUM('a','b') AS (IF(y > 2000, 'a', 'b')) STORED COMMENT 'gen''d');
INSERT INTO kinds (j, d, t) VALUES ('{"x": 5}', '2023-01-01 10:00:00', 'straße'), ('{"x": 7}', '1999-01-01 10:00:00', 'a'), (NULL, NULL, NULL);
