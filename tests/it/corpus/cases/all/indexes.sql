-- Indexes: prefix, unique, descending, fulltext, spatial, several kinds, comments and names.
CREATE TABLE many (id INT, a VARCHAR(100), b TEXT, c BLOB, d INT, e CHAR(10), p POINT NOT NULL,
  PRIMARY KEY (id), KEY pre (a(10)), KEY pre2 (b(20), c(5)), UNIQUE KEY uq (d, e), KEY down (d DESC, e ASC), KEY `we``ird "key"` (e(3)),
  KEY with_comment (d) COMMENT 'it''s "an" index\\ of /* x */ -- y', KEY bt USING BTREE (e), FULLTEXT KEY ft (a, b), SPATIAL KEY sp (p));
INSERT INTO many VALUES (1, 'a b', 'words in text', 'x', 1, 'e', ST_GeomFromText('POINT(1 1)')), (2, 'b', 'other words', NULL, 2, 'f', ST_GeomFromText('POINT(2 2)'));
CREATE TABLE down_primary (a INT, b VARCHAR(5), PRIMARY KEY (a DESC, b));
INSERT INTO down_primary VALUES (1, 'a'), (2, 'b'), (2, 'c');
CREATE TABLE prefix_primary (b VARCHAR(50) NOT NULL, t TEXT NOT NULL, PRIMARY KEY (b(3), t(2)));
INSERT INTO prefix_primary VALUES ('abc-long', 'xx'), ('abd', 'xy-long');
CREATE TABLE hashed (a INT, b INT, PRIMARY KEY USING HASH (a), KEY bt USING BTREE (b)) ENGINE=MEMORY;
INSERT INTO hashed VALUES (1, 2);
CREATE TABLE full_ (id INT PRIMARY KEY, t TEXT, FULLTEXT KEY (t)) ENGINE=MyISAM KEY_BLOCK_SIZE=1;
INSERT INTO full_ VALUES (1, 'some words');
CREATE TABLE blocks (a INT, KEY k (a) KEY_BLOCK_SIZE=1024) ENGINE=MyISAM;
CREATE TABLE doubles (a INT, KEY one (a), KEY two (a), UNIQUE KEY three (a));
