-- Tables of which no column takes a value, and of which only an invisible one does.
-- stock fails on mysql: mysqldump writes the rows of such a table as `(),),)`
CREATE TABLE only_virtual (v INT AS (1 + 1) VIRTUAL, w VARCHAR(5) AS ('x') VIRTUAL);
INSERT INTO only_virtual () VALUES (), (), ();
CREATE TABLE only_stored (s INT AS (5) STORED, KEY (s));
INSERT INTO only_stored () VALUES (), ();
CREATE TABLE empty_ (s INT AS (5) STORED);
CREATE TABLE hidden (v INT AS (h + 1) VIRTUAL, h INT INVISIBLE DEFAULT 3);
INSERT INTO hidden () VALUES ();
INSERT INTO hidden (h) VALUES (9), (NULL);
