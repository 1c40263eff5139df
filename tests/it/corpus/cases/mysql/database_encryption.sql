-- The default encryption of databases, which holds for tables that are made later.
-- databases: 2
CREATE DATABASE {{1}} CHARACTER SET latin1 DEFAULT ENCRYPTION = 'Y';
CREATE DATABASE {{2}} DEFAULT ENCRYPTION = 'N';
USE {{1}};
CREATE TABLE t (a INT) ENCRYPTION = 'N';
INSERT INTO t VALUES (1);
USE {{2}};
CREATE TABLE t (a INT);
