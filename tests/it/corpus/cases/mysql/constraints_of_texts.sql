-- Constraints, and keys of expressions, of texts that are dates of no calendar.
SET sql_mode = '';
CREATE TABLE checked (id INT PRIMARY KEY, s VARCHAR(40), CHECK (DATE(s) < '2021-02-20'));
INSERT INTO checked VALUES (1, '2021-02-31');
CREATE TABLE in_a_key (id INT PRIMARY KEY, j JSON, UNIQUE KEY ((CAST(j->>'$.d' AS DATETIME))));
INSERT IGNORE INTO in_a_key VALUES (1, '{"d": "2021-02-30"}'), (2, '{"d": "2021-02-30"}');
