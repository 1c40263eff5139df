-- changed: table kept_rows,
-- changed: table of_others,
-- warning: table `kept_rows`: the stored generated column `day` has been computed in another time zone or locale in 2 rows
-- warning: table `kept_rows`: the stored generated column `as_text` has been computed in another time zone or locale in 3 rows
-- warning: table `of_others`: the stored generated column `week_day` has been computed in another time zone or locale in 1 rows
-- warning: table `other_kinds`: the stored generated column `f` has been computed in another time zone or locale, or under other settings in 1 rows
-- warning: table `other_kinds`: the stored generated column `e` has been computed in another time zone or locale, or under other settings in 1 rows
-- changed: table other_kinds,
-- changed on mysql: column other_kinds.
-- stock loses: the values are computed in UTC, and nobody says so
-- Stored generated columns that depend on the time zone of whoever wrote the row; and others, which do not.
SET time_zone = '+09:00';
CREATE TABLE kept_rows (id INT PRIMARY KEY, t TIMESTAMP NULL, dt DATETIME, day DATE AS (DATE(t)) STORED, as_text CHAR(30) AS (CAST(t AS CHAR)) STORED, c INT AS (YEAR(dt) + id) STORED, KEY (day));
INSERT INTO kept_rows (id, t, dt) VALUES (1, '2020-03-01 03:00:00', '2020-01-01'), (2, '2020-03-01 12:00:00', '2020-02-02'), (3, NULL, NULL), (4, '2021-01-01 00:00:00', '2020-01-01');
CREATE TABLE of_others (id INT PRIMARY KEY, t TIMESTAMP NULL, `day)` DATE AS (DATE(t)) VIRTUAL, week_day INT AS (DAYOFWEEK(`day)`)) STORED);
INSERT INTO of_others (id, t) VALUES (1, '2020-03-01 03:00:00');
CREATE TABLE other_kinds (id INT PRIMARY KEY, `At` TIMESTAMP NULL, f FLOAT AS (HOUR(AT) / 7) STORED, e ENUM('x', 'X') COLLATE utf8mb4_bin AS (IF(HOUR(aT) < 9, 'x', 'X')) STORED);
INSERT INTO other_kinds (id, `At`) VALUES (1, '2020-03-01 05:00:00'), (2, NULL);
CREATE TABLE not_of_the_zone (id INT PRIMARY KEY, t TIMESTAMP NULL, d DATE AS (DATE(t)) VIRTUAL, kept INT AS (id * 2) STORED, n DECIMAL(4,1) AS (id / 3) STORED);
INSERT INTO not_of_the_zone (id, t) VALUES (1, '2020-03-01 03:00:00'), (2, NULL);
CREATE TABLE written_in_utc (id INT PRIMARY KEY, t TIMESTAMP(3) NULL, d DATE AS (DATE(t)) STORED, s VARCHAR(40) CHARACTER SET latin1 AS (CAST(t AS CHAR)) STORED, y YEAR AS (YEAR(t)) STORED, n DECIMAL(20,3) AS (t + 0) STORED, b VARBINARY(50) AS (CAST(t AS CHAR)) STORED, f BIT(9) AS (HOUR(t) + 90) STORED, g FLOAT AS (HOUR(t) / 7) STORED, e ENUM('x', 'X') COLLATE utf8mb4_bin AS (IF(HOUR(t) < 9, 'x', 'X')) STORED);
SET time_zone = '+00:00';
INSERT INTO written_in_utc (id, t) VALUES (1, '2020-03-01 03:00:00.987'), (2, NULL);
