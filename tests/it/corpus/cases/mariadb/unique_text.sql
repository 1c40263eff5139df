-- Unique keys over columns without a length: the server keeps hashes of the values in a hidden column.
CREATE TABLE texts (id INT PRIMARY KEY, t TEXT, b BLOB, u TEXT, UNIQUE KEY t (t), UNIQUE KEY (b) USING HASH,
  UNIQUE KEY both_of (u, id)) CHARACTER SET utf8mb4;
INSERT INTO texts VALUES (1, 'one', x'00FF', REPEAT('ä', 5000)), (2, NULL, NULL, ''), (3, NULL, '', 'x'),
  (4, '', NULL, NULL), (5, REPEAT('y', 60000), REPEAT(x'27', 9000), 'x');
CREATE TABLE keyless (t LONGTEXT UNIQUE, n INT);
INSERT INTO keyless VALUES ('b', 2), ('a', 1), (NULL, 3), (NULL, 3);
