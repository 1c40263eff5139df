-- stock loses: histograms; with --column-statistics it computes them anew
-- warning: the histogram of the column `long` of table 
-- warning: the histogram of the column `longest` of table 
-- Histograms of columns of every type, kept up to date or not, older than their rows, of names with
-- quotes; beside unique indexes, and of tables without rows.
SET sql_mode = 'ALLOW_INVALID_DATES';
SET cte_max_recursion_depth = 10000;
CREATE TABLE h (id INT PRIMARY KEY, i INT, u BIGINT UNSIGNED, s BIGINT, d DECIMAL(10,3), n DECIMAL(20,0), f FLOAT, g DOUBLE, dt DATETIME, dd DATE, t TIME(6), ts TIMESTAMP(3) NULL, y YEAR, b BIT(64), e ENUM('','a','é'), st SET('x','y','z'), c VARCHAR(30) COLLATE utf8mb4_0900_ai_ci, l VARCHAR(90) CHARACTER SET latin1, j TEXT CHARACTER SET sjis, x BLOB, v INT AS (i + 1) VIRTUAL, `#;'``x` INT INVISIBLE, nothing INT, `long` DECIMAL(65,30), longest DECIMAL(40,0), UNIQUE (s, i, id), KEY (i)) DEFAULT CHARSET utf8mb4 STATS_AUTO_RECALC=0;
INSERT INTO h (id, i, u, s, d, n, f, g, dt, dd, t, ts, y, b, e, st, c, l, j, x, `#;'``x`, `long`, longest) WITH RECURSIVE r AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM r WHERE n < 700) SELECT n, IF(n % 3, n % 7, NULL), 18446744073709551615 - n % 5, -9223372036854775808 + n % 9, n + 0.125, n * 100000000000, n / 7, EXP(n / 2 - 150), IF(n % 5, '2020-01-01' + INTERVAL n * 1000 SECOND, IF(n % 2, '0000-00-00', '2023-02-31')), '1020-01-01' + INTERVAL n DAY, SEC_TO_TIME(n * 1000.5 - 350000), '2020-03-29' + INTERVAL n * 1234 SECOND, IF(n % 4, 1990 + n % 50, 0), n * 13000000000000007, 1 + n % 3, n % 8, CONCAT(CHAR(97 + n % 26 USING utf8mb4), '😀\'\\'), CONCAT(REPEAT('é', n % 60), n), REPEAT(CONVERT('表ソ' USING sjis), n % 9), UNHEX(SHA2(n, 256)), n, 0.123456789012345678901234567890 + n * 0.000000000000000000000000000001, 1234567890123456789012345678901234567890 + n FROM r;
ANALYZE TABLE h UPDATE HISTOGRAM ON i, u, s, d, n, f, g, dt, dd, t WITH 7 BUCKETS;
ANALYZE TABLE h UPDATE HISTOGRAM ON ts, y, b, e, st, c, l, j, x, v WITH 1000 BUCKETS AUTO UPDATE;
ANALYZE TABLE h UPDATE HISTOGRAM ON `#;'``x`, nothing, `long` WITH 3 BUCKETS;
ANALYZE TABLE h UPDATE HISTOGRAM ON longest WITH 4 BUCKETS AUTO UPDATE;
CREATE TABLE old (id INT PRIMARY KEY, a INT, b INT);
INSERT INTO old VALUES (1, 1, 1), (2, 2, 2);
ANALYZE TABLE old UPDATE HISTOGRAM ON a, b;
INSERT INTO old VALUES (3, 3, 3), (4, 4, 4);
CREATE TABLE without_rows (id INT PRIMARY KEY, a INT) STATS_AUTO_RECALC=0;
ANALYZE TABLE without_rows UPDATE HISTOGRAM ON a WITH 5 BUCKETS AUTO UPDATE;
CREATE TABLE parts (id INT, a INT) PARTITION BY HASH (id) PARTITIONS 3;
INSERT INTO parts VALUES (1, 5), (2, 6), (3, 6);
ANALYZE TABLE parts UPDATE HISTOGRAM ON id, a;
CREATE TABLE plain (id INT PRIMARY KEY, a INT) ENGINE=MyISAM;
INSERT INTO plain VALUES (1, 5), (2, 6);
ANALYZE TABLE plain UPDATE HISTOGRAM ON a;
CREATE VIEW seen AS SELECT a FROM old;
