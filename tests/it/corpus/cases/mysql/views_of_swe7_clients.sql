-- charset: swe7
-- refused: You have an error in your SQL syntax
-- A view that a swe7 client made: the server keeps its text without backticks, which have no place in
-- that character set, and cannot read it any more.
CREATE TABLE t (a INT);
CREATE VIEW v AS SELECT a FROM t;
