-- warning on mysql: `documents` has 1 JSON documents in column `j` with integers that are unsigned
-- JSON: numbers, depth, escapes and order as the server prints them.
SET NAMES utf8mb4;
CREATE TABLE documents (id INT PRIMARY KEY, j JSON);
INSERT INTO documents VALUES (1, NULL), (2, 'null'), (3, 'true'), (4, '""'), (5, '{}'), (6, '[]'),
  (7, '[9223372036854775807, -9223372036854775808, 18446744073709551615, 9007199254740993, 18446744073709551616]'),
  (8, '[0.1, 1.0, 1e10, 1E-7, -0.0, 1.7976931348623157e308, 5e-324, 123456789.123456789]'),
  (9, '{"b": 1, "a": {"z": [1, [2, [3, {"k": null}]]]}, "aa": 2, "": 3}'),
  (10, '"\\"\\\\ \\/ \\b\\f\\n\\r\\t \\u00e9 \\ud83d\\ude00 é 😀 \\u0000"'),
  (11, '{"it''s": "a''b", "`": "%", "日本": "語"}'), (12, '  [ 1 ,2 ]  '), (13, '"2023-01-01"'), (14, '{"a": 1, "a": 2}');
INSERT INTO documents VALUES (20, CONCAT(REPEAT('[', 30), '1', REPEAT(']', 30))), (21, CONCAT('{"k": "', REPEAT('x', 70000), '"}')), (22, CONCAT('[', REPEAT('1, ', 5000), '1]'));
