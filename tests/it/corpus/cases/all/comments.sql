-- Comments on everything that takes one, with text that could end the statement.
SET NAMES utf8mb4;
CREATE TABLE t (a INT COMMENT 'it''s */ -- # ; "x" \\ \n newline', b INT COMMENT 'é日😀', KEY k (a) COMMENT 'k''s */ \\') COMMENT='t''s */ ; -- \\ \n é😀 %';
INSERT INTO t VALUES (1, 2);
CREATE TABLE p (a INT) COMMENT='' PARTITION BY RANGE (a) (PARTITION p0 VALUES LESS THAN (5) COMMENT = 'it''s p0 */ é', PARTITION p1 VALUES LESS THAN MAXVALUE COMMENT = 'rest');
INSERT INTO p VALUES (1), (10);
CREATE PROCEDURE pr() COMMENT 'it''s */ é \\ ;;' SELECT 1;
CREATE FUNCTION fu() RETURNS INT DETERMINISTIC COMMENT 'fu''s \n é' RETURN 1;
CREATE EVENT ev ON SCHEDULE EVERY 1 DAY STARTS '2030-01-01 00:00:00' DISABLE COMMENT 'ev''s \\ é */' DO SELECT 1;
