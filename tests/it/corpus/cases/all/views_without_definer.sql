-- lost: view gone_and_broken
-- stock fails: the dump tools stop at a broken view
CREATE TABLE t (a INT, `b c` INT);
CREATE TABLE u (a INT);
INSERT INTO t VALUES (1, 2);
CREATE DEFINER='nobody'@'%' VIEW gone (`x)`, `y`` AS z`) AS SELECT a, `b c` FROM t WITH CASCADED CHECK OPTION;
CREATE DEFINER='nobody'@'%' VIEW gone_and_broken AS SELECT a FROM u;
DROP TABLE u;
