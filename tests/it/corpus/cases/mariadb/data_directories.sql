-- Tables and partitions whose files are elsewhere. InnoDB makes a directory for each database
-- there, so that a copy on the same server has its place beside them.
EXECUTE IMMEDIATE CONCAT('CREATE TABLE t (a INT PRIMARY KEY, b TEXT) DATA DIRECTORY=''', @@tmpdir, '''');
INSERT INTO t VALUES (1, 'x'), (2, NULL);
EXECUTE IMMEDIATE CONCAT('CREATE TABLE p (a INT) PARTITION BY RANGE (a) (PARTITION p0 VALUES LESS THAN (5) DATA DIRECTORY=''', @@tmpdir, ''', PARTITION p1 VALUES LESS THAN MAXVALUE)');
INSERT INTO p VALUES (1), (9);
