-- Functional, multi-valued, invisible and full-text indexes with a parser.
CREATE TABLE f (id INT PRIMARY KEY, a INT, j JSON, t VARCHAR(50) CHARACTER SET utf8mb4, KEY fn ((a + 1)), KEY both_ways ((a * 2) DESC, t), UNIQUE KEY low ((LOWER(t))), KEY mv ((CAST(j->'$.n' AS UNSIGNED ARRAY))), KEY mvc (a, (CAST(j->'$.s' AS CHAR(10) ARRAY))), KEY hid (a) INVISIBLE, KEY q ((CONCAT(t, 'it''s "\\"'))), FULLTEXT KEY ng (t) WITH PARSER ngram);
INSERT INTO f VALUES (1, 5, '{"n": [1, 2, 3], "s": ["a", "b"]}', 'One'), (2, NULL, '{"n": []}', 'two'), (3, -1, NULL, '日本語テキスト');
