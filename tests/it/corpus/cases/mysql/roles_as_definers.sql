-- Programs with a definer that exists, has no rights, or is a role.
CREATE TABLE t (a INT);
INSERT INTO t VALUES (1);
CREATE DEFINER='mysql.session'@'localhost' PROCEDURE p() SELECT 1;
CREATE DEFINER='mysql.session'@'localhost' SQL SECURITY DEFINER VIEW v AS SELECT a FROM t;
CREATE DEFINER=''@'%' VIEW anonymous AS SELECT a FROM t;
CREATE DEFINER='we`ird "user"'@'h_%' VIEW odd AS SELECT a FROM t;
