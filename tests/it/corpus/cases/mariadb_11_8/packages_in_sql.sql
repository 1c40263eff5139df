-- Packages in the server's own language, which it knows since 11.4, beside one of Oracle's.
SET NAMES utf8mb4;
DELIMITER //
CREATE PACKAGE k COMMENT 'it''s é'
  -- the specification; with a comment
  FUNCTION inc(a INT) RETURNS INT;
  PROCEDURE show_it(s VARCHAR(10));
END//
CREATE PACKAGE BODY k
  DECLARE counter INT DEFAULT 0; /* state */
  FUNCTION inc(a INT) RETURNS INT BEGIN RETURN a + 1; END;
  PROCEDURE hidden() BEGIN SELECT 1; END;
  PROCEDURE show_it(s VARCHAR(10)) BEGIN SELECT CONCAT(s, 'é'); END;
  SET counter = 5;
END//
CREATE DEFINER='nobody'@'%' PACKAGE `without body` SQL SECURITY INVOKER PROCEDURE p(); END//
SET sql_mode = 'ANSI_QUOTES,NO_BACKSLASH_ESCAPES'//
CREATE PACKAGE "in modes" PROCEDURE p(); END//
CREATE PACKAGE BODY "in modes" PROCEDURE p() BEGIN SELECT '\' AS "x"; END; END//
SET sql_mode = 'ORACLE'//
CREATE PACKAGE oracle_k AS FUNCTION f RETURN INT; END;
//
CREATE PACKAGE BODY oracle_k AS FUNCTION f RETURN INT AS BEGIN RETURN k.inc(1); END; END;
//
SET sql_mode = DEFAULT//
CREATE FUNCTION uses() RETURNS INT RETURN k.inc(1) + oracle_k.f()//
DELIMITER ;
CREATE VIEW v AS SELECT uses() AS a;
