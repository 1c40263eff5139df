-- Comments of databases that are dumped by name.
-- databases: 2
CREATE DATABASE {{1}} CHARACTER SET utf8mb4 COLLATE utf8mb4_bin COMMENT = 'it''s */ "é" ;';
CREATE DATABASE {{2}} COMMENT = 'two
lines';
USE {{1}};
CREATE TABLE t (a INT);
