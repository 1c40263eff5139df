-- warning: `j` has 6 JSON documents in column `j` with integers that are unsigned
-- warning: `j` has 1 JSON documents in column `other` with integers that are unsigned
-- changed: table j,
-- warning: `many` has 20 JSON documents in column `j` with integers that are unsigned
-- warning: `late`: the integers in the JSON documents of column `j` are signed in
-- stock loses: unsigned integers in documents become signed ones, and nobody says so
-- Unsigned integers in documents, wherever they stand; and signed ones, and those that no signed one can hold.
CREATE TABLE j (id INT PRIMARY KEY, j JSON, other JSON);
INSERT INTO j (id, j) VALUES (1, JSON_OBJECT('id', CAST(5 AS UNSIGNED))), (2, CAST(CAST(5 AS UNSIGNED) AS JSON)), (3, JSON_ARRAY(1, JSON_ARRAY(2, CAST(3 AS UNSIGNED)))), (4, JSON_ARRAY('a', 1, JSON_OBJECT('x', JSON_ARRAY(0, JSON_OBJECT('y', CAST(0 AS UNSIGNED), 'z', 1))))), (5, JSON_ARRAY(CAST(9223372036854775807 AS UNSIGNED))), (6, NULL), (7, '[5, {"a": 6}]'), (8, JSON_ARRAY(CAST(9223372036854775808 AS UNSIGNED), 18446744073709551615)), (9, '-1'), (10, JSON_OBJECT('v', CAST(1 AS UNSIGNED), 'd', 1.5e0));
UPDATE j SET other = JSON_OBJECT('n', CAST(1 AS UNSIGNED), 'm', -1) WHERE id = 9;
CREATE TABLE plain (id INT PRIMARY KEY, `v` JSON, `looked_at` JSON);
INSERT INTO plain VALUES (1, '{"id": 5, "list": [1, 2, [3]]}', '7'), (2, '[]', '{}'), (3, '{"id": 18446744073709551615}', '[[0]]');
-- More than is looked at, with one among the first, and with one at the end.
SET cte_max_recursion_depth = 10000;
CREATE TABLE many (id INT PRIMARY KEY, j JSON);
INSERT INTO many WITH RECURSIVE n AS (SELECT 1 AS i UNION ALL SELECT i + 1 FROM n WHERE i < 2000) SELECT i, IF(i % 100 = 7, JSON_OBJECT('i', CAST(i AS UNSIGNED)), JSON_OBJECT('i', i, 'text', REPEAT('x', 200))) FROM n;
CREATE TABLE late (id INT PRIMARY KEY, j JSON);
INSERT INTO late WITH RECURSIVE n AS (SELECT 1 AS i UNION ALL SELECT i + 1 FROM n WHERE i < 2000) SELECT i, IF(i = 2000, JSON_OBJECT('i', CAST(i AS UNSIGNED)), JSON_OBJECT('i', i, 'text', REPEAT('x', 200))) FROM n;
