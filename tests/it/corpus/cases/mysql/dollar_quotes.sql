-- Bodies in dollar quotes and names with dollar signs.
CREATE TABLE t$ (a$b INT, `$c` INT);
INSERT INTO t$ VALUES (1, 2);
CREATE PROCEDURE p$() SELECT a$b, `$c` FROM t$;
