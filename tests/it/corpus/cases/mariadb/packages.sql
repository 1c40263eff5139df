-- Packages and their bodies, in Oracle mode.
SET sql_mode = 'ORACLE';
CREATE TABLE t (a INT);
DELIMITER //
CREATE OR REPLACE PACKAGE tools AS
  -- the specification; with a comment
  FUNCTION inc(a INT) RETURN INT;
  PROCEDURE show_it(s VARCHAR2(10));
END;
//
CREATE OR REPLACE PACKAGE BODY tools AS
  counter INT := 0; /* state */
  FUNCTION inc(a INT) RETURN INT AS BEGIN RETURN a + 1; END;
  PROCEDURE hidden AS BEGIN NULL; END;
  PROCEDURE show_it(s VARCHAR2(10)) AS BEGIN SELECT s || 'é' FROM DUAL; END;
BEGIN
  counter := 5;
END;
//
CREATE PACKAGE "without body" COMMENT 'it''s' AS PROCEDURE p; END;
//
CREATE PROCEDURE oracle_p (a IN OUT INT, b VARCHAR2) AS
  c t%ROWTYPE;
  d t.a%TYPE := 5;
  CURSOR cur (x INT) IS SELECT a FROM t WHERE a > x;
BEGIN
  FOR r IN cur(1) LOOP a := r.a; END LOOP;
EXCEPTION WHEN NO_DATA_FOUND THEN NULL;
END;
//
CREATE FUNCTION oracle_f RETURN INT IS BEGIN RETURN tools.inc(1); END;
//
CREATE TRIGGER oracle_t BEFORE INSERT ON t FOR EACH ROW BEGIN :NEW.a := :NEW.a + 1; END;
//
CREATE TRIGGER oracle_u BEFORE UPDATE ON t FOR EACH ROW
BEGIN
  IF :NEW.a > 1 THEN :NEW.a := :OLD.a; ELSE :NEW.a := 0; END IF;
  :NEW.a := CASE :NEW.a WHEN 1 THEN 2 ELSE 3 END;
  WHILE :NEW.a < 0 LOOP :NEW.a := 1; END LOOP;
END;
//
CREATE VIEW oracle_v AS SELECT a || 'x' AS s FROM t//
