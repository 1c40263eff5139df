-- The comment of a database.
-- stock refused: alters the database
-- stock loses: the comment of a database that is dumped without its name
ALTER DATABASE CHARACTER SET latin1 COLLATE latin1_german1_ci COMMENT = 'it''s \\ "é" ; -- x';
CREATE TABLE t (a VARCHAR(5));
INSERT INTO t VALUES ('é');
CREATE PROCEDURE p(a VARCHAR(5)) SELECT a;
ALTER DATABASE COLLATE latin1_bin;
CREATE PROCEDURE q(a VARCHAR(5)) SELECT a;
