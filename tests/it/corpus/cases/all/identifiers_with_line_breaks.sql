-- Line breaks in names: nothing behind them may become a statement.
CREATE TABLE `a
DROP TABLE victim; --` (`c
d` INT, `t	ab` INT);
INSERT INTO `a
DROP TABLE victim; --` VALUES (1, 2);
CREATE TABLE victim (a INT);
INSERT INTO victim VALUES (1);
CREATE VIEW `v
DROP TABLE victim; --` AS SELECT 1 AS `x
y`;
CREATE PROCEDURE `p
DROP TABLE victim;
`() SELECT 1;
CREATE TRIGGER `t
DROP TABLE victim; --` BEFORE INSERT ON victim FOR EACH ROW SET NEW.a = 1;
CREATE EVENT `e
DROP TABLE victim; --` ON SCHEDULE EVERY 1 DAY STARTS '2030-01-01 00:00:00' DISABLE DO SELECT 1;
CREATE TABLE `b;
DELIMITER x
;` (a INT);
