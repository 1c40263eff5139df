-- changed: table t,
-- warning: the stored generated column `name` has been computed in another time zone or locale in 1 rows
-- warning: the stored generated column `document` has been computed in another time zone or locale, or under other settings in 2 rows
-- warning: the stored generated column `clock` has been computed in another time zone or locale, or under other settings in 2 rows
-- warning: the stored generated column `kind` has been computed in another time zone or locale, or under other settings in 1 rows
-- stock loses: the values are computed in English and in UTC, and nobody says so
-- What only MySQL allows in stored generated columns: names of months, Unix times, documents.
SET lc_time_names = 'de_DE', time_zone = '-03:30';
CREATE TABLE t (d DATE, n INT, name VARCHAR(20) CHARACTER SET latin1 AS (MONTHNAME(d)) STORED, document JSON AS (JSON_OBJECT('at', FROM_UNIXTIME(n))) STORED, clock TIME(1) AS (TIME(FROM_UNIXTIME(n))) STORED, kind ENUM('1969', '1970') AS (DATE_FORMAT(FROM_UNIXTIME(n), '%Y')) STORED, same VARCHAR(20) AS (DATE_FORMAT(d, '%d')) STORED);
INSERT INTO t (d, n) VALUES ('2020-12-01', 5), ('2020-04-01', 40000), (NULL, NULL);
