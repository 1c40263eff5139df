-- JSON as deep as the server takes it.
CREATE TABLE t (id INT PRIMARY KEY, j JSON);
INSERT INTO t VALUES (1, CONCAT(REPEAT('[', 99), '1', REPEAT(']', 99))), (2, CONCAT(REPEAT('{"a": ', 99), 'null', REPEAT('}', 99))), (3, CONCAT('{"', REPEAT('k', 60000), '": 1}'));
