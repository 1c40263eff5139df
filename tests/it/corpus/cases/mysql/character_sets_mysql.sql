-- stock fails: members beyond the BMP come out as question marks, which a default does not match
-- Comments and names beyond the BMP, which MySQL keeps in some places.
SET NAMES utf8mb4;
CREATE TABLE t (a INT COMMENT '😀', b VARCHAR(5) CHARACTER SET utf8mb4 DEFAULT '😀', c ENUM('😀', '?', 'x') CHARACTER SET utf8mb4 DEFAULT '😀', g VARCHAR(20) CHARACTER SET utf8mb4 AS (CONCAT(b, '😀')) STORED, CHECK (b <> '𠜎')) COMMENT='😀';
INSERT INTO t (a, c) VALUES (1, 1), (2, 2);
CREATE VIEW v AS SELECT '😀' AS s, a FROM t WHERE b = '😀';
CREATE PROCEDURE p() COMMENT '😀' SELECT '😀𠜎';
CREATE TRIGGER tr BEFORE INSERT ON t FOR EACH ROW SET NEW.b = '😀';
CREATE EVENT e ON SCHEDULE EVERY 1 DAY STARTS '2030-01-01 00:00:00' DISABLE COMMENT '😀' DO SELECT '😀';
