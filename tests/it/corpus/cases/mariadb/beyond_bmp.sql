-- Characters beyond the BMP in definitions, of which MariaDB prints question marks.
-- stock loses: members, defaults and texts in definitions beyond the BMP
SET NAMES utf8mb4;
ALTER DATABASE CHARACTER SET utf8mb4;
CREATE TABLE enums (id INT PRIMARY KEY, e ENUM('a', '😀', 'y', 'z?', 'x') CHARACTER SET utf8mb4 NOT NULL, s SET('😀', '日', 'it''s') CHARACTER SET utf8mb4, w ENUM('𝔘', 'b') CHARACTER SET utf32, x ENUM('é', '?') CHARACTER SET utf8mb4);
INSERT INTO enums VALUES (1, 1, 1, 1, 1), (2, 2, 2, 2, 2), (3, 3, 3, 1, 1), (4, 4, 7, 2, 1), (5, 5, 0, 1, 1);
CREATE TABLE defaults (id INT PRIMARY KEY, v VARCHAR(10) CHARACTER SET utf8mb4 DEFAULT '😀', t TEXT CHARACTER SET utf8mb4 DEFAULT '𠜎', e ENUM('a', '😀') CHARACTER SET utf8mb4 DEFAULT '😀', x VARCHAR(20) CHARACTER SET utf8mb4 DEFAULT (CONCAT('😀', id)));
INSERT INTO defaults (id) VALUES (1);
CREATE TABLE expressions (id INT PRIMARY KEY, a VARCHAR(10) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin CHECK (a <> '😀'), s VARCHAR(20) CHARACTER SET utf8mb4 AS (CONCAT(a, '😀')) STORED, v VARCHAR(20) CHARACTER SET utf8mb4 AS (CONCAT(a, '𠜎')) VIRTUAL, CONSTRAINT c CHECK (a <> 'x𠜎'), KEY (v));
INSERT INTO expressions (id, a) VALUES (1, '𠜎'), (2, 'é'), (3, '?');
CREATE PROCEDURE p() SELECT '😀𠜎';
CREATE TRIGGER tr BEFORE INSERT ON defaults FOR EACH ROW SET NEW.v = '😀';
CREATE EVENT e ON SCHEDULE EVERY 1 DAY STARTS '2030-01-01 00:00:00' DISABLE DO SELECT '😀';
CREATE VIEW v AS SELECT '😀' AS s;
