-- A view of a role that may not read its table: the server then prints the name of the database with
-- each column.
-- stock fails: the name of the database that was dumped, with the columns of the view
-- afterwards: DROP ROLE IF EXISTS sd_corpus_bare
CREATE ROLE IF NOT EXISTS sd_corpus_bare;
CREATE TABLE t (a INT);
INSERT INTO t VALUES (1);
CREATE DEFINER=sd_corpus_bare SQL SECURITY DEFINER VIEW v AS SELECT a FROM t;
CREATE DEFINER=sd_corpus_bare VIEW w AS SELECT a AS b FROM t WHERE a > 0;
CREATE DEFINER=sd_corpus_bare SQL SECURITY INVOKER VIEW x AS SELECT a FROM t;
CREATE DEFINER=sd_corpus_bare PROCEDURE p() SELECT a FROM t;
