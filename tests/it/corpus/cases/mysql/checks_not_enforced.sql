-- CHECK constraints that are not enforced, with rows that break them.
CREATE TABLE t (a INT CHECK (a > 0) NOT ENFORCED, b INT, CONSTRAINT `it's "c"` CHECK (b > a) NOT ENFORCED, CONSTRAINT yes CHECK (b <> 5), CHECK (b < 100 OR `b` = 777));
INSERT INTO t VALUES (-1, -2), (5, 1);
