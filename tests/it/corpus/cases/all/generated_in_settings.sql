-- changed: table t,
-- warning: table `t`: the stored generated column `q` has been computed under other settings in 1 rows
-- warning: table `t`: the stored generated column `n` has been computed under other settings in 1 rows
-- warning: table `t`: the stored generated column `as_text` has been computed under other settings in 1 rows
-- warning: table `t`: the stored generated column `of_virtual` has been computed under other settings in 1 rows
-- warning: table `t`: the stored generated column `safe` has been computed under other settings in 1 rows
-- stock loses: the values are computed under the settings of the server, and nobody says so
-- Stored generated columns that depend on how many digits a quotient has; and others, which do not.
SET div_precision_increment = 10;
CREATE TABLE t (a INT, q DOUBLE AS (a / 7) STORED, safe DOUBLE AS (a / NULLIF(a + 6, 0)) STORED, n DECIMAL(20,10) AS (a / 7) STORED, as_text VARCHAR(50) AS (CONCAT(a / 7)) STORED, v DECIMAL(20,10) AS (a / 7) VIRTUAL, of_virtual DECIMAL(22,10) AS (v + 1) STORED, money DECIMAL(10,2) AS (a / 7) STORED, whole INT AS (a / 7) STORED);
INSERT INTO t (a) VALUES (1);
CREATE TABLE of_the_server (id INT PRIMARY KEY, a INT, b DOUBLE, q DOUBLE AS (a / id) STORED, f FLOAT AS (a / id) STORED, digits DOUBLE(10,2) AS (a / id) STORED, fd FLOAT(7,3) AS (b / id) STORED, n DECIMAL(10,2) AS (a / id) STORED, m DECIMAL(12,4) AS (b / id) STORED, r DECIMAL(10,2) AS (ROUND(a / id, 2)) STORED, w INT AS (a / id) STORED, wb BIGINT AS (b / id) STORED, t VARCHAR(60) AS (CONCAT(a / id)) STORED, p DECIMAL(20,3) AS (100 * a / id) STORED);
SET div_precision_increment = DEFAULT;
INSERT INTO of_the_server (id, a, b) VALUES (1, 1, 0.5), (2, 2, 1.005), (3, 1, 2.675), (4, -7, -2.5), (5, 100, 1e3), (6, 5, 7.5), (7, 12345, 0.125), (8, 8, 0.1), (9, NULL, NULL), (10, 0, 0), (11, 7, 1.115), (12, 13, 0.045), (13, -1, -0.5);
INSERT INTO of_the_server (id, a, b) SELECT id + 13, a + 3, b * 1.7 FROM of_the_server;
INSERT INTO of_the_server (id, a, b) SELECT id + 26, a * 5, b + 0.015 FROM of_the_server;
INSERT INTO of_the_server (id, a, b) SELECT id + 52, a + 11, b / 3 FROM of_the_server;
