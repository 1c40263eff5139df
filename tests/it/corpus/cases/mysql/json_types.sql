-- stock loses: dates, times, decimals and binary strings in documents become strings and doubles, and numbers are rounded
-- warning: `j` has 8 JSON documents with dates, times, decimals or binary strings
-- warning: `j` has 1 JSON documents in column `j` with integers that are unsigned
-- changed: table j,
-- JSON values whose type the text does not show.
SET NAMES utf8mb4;
SET time_zone = '+00:00';
CREATE TABLE j (id INT PRIMARY KEY, j JSON);
INSERT INTO j VALUES (1, CAST(CAST('1.10' AS DECIMAL(5,2)) AS JSON)), (2, CAST(TIMESTAMP '2023-01-01 10:00:00' AS JSON)), (3, CAST(DATE '2023-01-01' AS JSON)), (4, CAST(TIME '10:00:00' AS JSON)), (5, CAST(x'00FF' AS JSON)),
 (6, JSON_OBJECT('d', CAST('1.10' AS DECIMAL(5,2)), 'a', JSON_ARRAY(DATE '2023-01-01', 1))), (7, CAST(1 AS JSON)), (8, CAST(18446744073709551615 AS JSON)), (9, CAST(1e0 AS JSON)), (10, JSON_ARRAY(b'1010')), (11, CAST(CAST('99999999999999999999999999999999999.5' AS DECIMAL(65,30)) AS JSON)), (12, CAST(ST_GeomFromText('POINT(1 1)') AS JSON)), (13, CAST(YEAR('2020-01-01') AS JSON));
CREATE TABLE plain (id INT PRIMARY KEY, j JSON, when_ JSON);
INSERT INTO plain VALUES (1, '{"at": "2023-01-01", "price": 1.5, "whole": 1.0, "big": 1e100}', '"10:00:00.000000"'), (2, '["2023-01-01 10:00:00.000000", "base64:type15:AP8="]', NULL);
