-- IGNORED indexes, long unique keys of whole BLOBs, CLUSTERING and other options.
CREATE TABLE t (a INT, b TEXT, c BLOB, KEY k (a) IGNORED, UNIQUE KEY long_ (b), UNIQUE KEY two (c, a) USING HASH);
INSERT INTO t VALUES (1, REPEAT('x', 5000), x'00'), (2, NULL, NULL), (3, '', '');
