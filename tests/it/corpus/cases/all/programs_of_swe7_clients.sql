-- charset: swe7
-- Programs that a swe7 client made: its letters have the codes of some signs of ASCII, of the backtick
-- and the backslash among them.
-- stock fails: names are in UTF-8, in a script that is not
CREATE TABLE t (a INT, `x{` VARCHAR(20) CHARACTER SET utf8mb4);
CREATE TABLE `t}` (a INT);
DELIMITER $$
CREATE DEFINER=`d}f`@`%` PROCEDURE `p{`(IN `{` INT, OUT b VARCHAR(20)) COMMENT 'it''s ` [ \\ ]'
BEGIN SET b = CONCAT('{`', `{`); END$$
CREATE FUNCTION `f{`() RETURNS VARCHAR(20) CHARACTER SET utf8mb4 DETERMINISTIC NO SQL COMMENT 'two
lines {'
RETURN '[`'$$
CREATE TRIGGER `tr{` BEFORE INSERT ON t FOR EACH ROW SET NEW.`x{` = '}`'$$
CREATE TRIGGER `tr2` BEFORE INSERT ON `t}` FOR EACH ROW SET @x = '}'$$
CREATE EVENT `e{` ON SCHEDULE EVERY 1 YEAR DISABLE COMMENT '{`' DO SET @x = '`'$$
SET sql_mode = 'NO_BACKSLASH_ESCAPES'$$
CREATE PROCEDURE `q{`() COMMENT 'it''s ` \ {' SELECT '\`'$$
DELIMITER ;
