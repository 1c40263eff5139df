-- stock fails: nothing in their script allows such a key
-- Foreign keys to columns that no unique key has, as servers before 8.4 had them.
SET restrict_fk_on_non_standard_key = OFF;
CREATE TABLE parent (a INT, b INT, KEY (a), PRIMARY KEY (b, a));
CREATE TABLE child (a INT, FOREIGN KEY (a) REFERENCES parent (a) ON DELETE CASCADE);
INSERT INTO parent VALUES (1, 1), (1, 2);
INSERT INTO child VALUES (1);
