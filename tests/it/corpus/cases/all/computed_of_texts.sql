-- warning: table `both`: the stored generated column `g` has been computed under other settings in 1 rows
-- changed: table both, row
-- changed: table both, data
-- stock loses: dates of no calendar
-- Texts that are dates of no calendar, where something is computed of them: they are dates under
-- ALLOW_INVALID_DATES only.
SET sql_mode = '';
CREATE TABLE kept (id INT PRIMARY KEY, s VARCHAR(40), g DATE AS (CAST(s AS DATE)) STORED,
  n INT AS (CAST(s AS DATE) IS NULL) STORED, y INT AS (YEAR(s)) STORED, l DATE AS (LAST_DAY(s)) STORED);
INSERT INTO kept (id, s) VALUES (1, '2021-02-31'), (2, '2021-02-28'), (3, '0000-00-00'), (4, '2021-00-00');
CREATE TABLE beside_dates (d DATE PRIMARY KEY, at DATETIME(3), s VARCHAR(40), g DATE AS (CAST(s AS DATE)) STORED);
INSERT INTO beside_dates (d, at, s) VALUES ('2021-02-28', '0000-00-00 00:00:00', '2021-02-31'), ('0000-00-00', '2021-00-00 01:02:03.456', 'x');
CREATE TABLE in_a_key (id INT PRIMARY KEY, s VARCHAR(40), v DATE AS (CAST(s AS DATE)) VIRTUAL UNIQUE);
INSERT INTO in_a_key (id, s) VALUES (1, '2021-02-31'), (2, '2021-02-31');
CREATE TABLE `large``r` (id INT PRIMARY KEY, s VARCHAR(40), g DATE AS (CAST(s AS DATE)) STORED, x LONGTEXT);
INSERT INTO `large``r` (id, s, x) WITH RECURSIVE n AS (SELECT 1 AS id UNION ALL SELECT id + 1 FROM n WHERE id < 40)
  SELECT id, '2021-02-31', REPEAT('x', 100000) FROM n;
-- The last of those that are read together.
CREATE TABLE z_empty (id INT PRIMARY KEY, v INT AS (id) VIRTUAL);
SET sql_mode = 'ALLOW_INVALID_DATES';
CREATE TABLE dates (id INT PRIMARY KEY, d DATE, at DATETIME, v DATE AS (d) VIRTUAL, s DATE AS (d) STORED);
INSERT INTO dates (id, d, at) VALUES (1, '2021-02-31', '2021-04-31 01:02:03'), (2, NULL, NULL);
CREATE TABLE invalid (id INT PRIMARY KEY, s VARCHAR(40), g DATE AS (CAST(s AS DATE)) STORED, y INT AS (YEAR(s)) STORED);
INSERT INTO invalid (id, s) VALUES (1, '2021-02-31');
CREATE TABLE `both` (id INT PRIMARY KEY, d DATE, s VARCHAR(40), g DATE AS (CAST(s AS DATE)) STORED);
INSERT INTO `both` (id, d, s) VALUES (1, '2021-02-31', NULL);
SET sql_mode = '';
INSERT INTO `both` (id, s) VALUES (2, '2021-02-31');
