-- Reserved words as names, and names that differ only in case.
CREATE TABLE `select` (`from` INT PRIMARY KEY, `where` INT, `group` INT, `order` INT, `key` INT, `index` INT, `values` INT, `default` INT, `rank` INT, `system` INT, `lateral` INT, KEY `index` (`where`));
INSERT INTO `select` VALUES (1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11);
CREATE TABLE `table` (`column` INT, `null` INT, `true` INT, `current_timestamp` INT, `offset` INT, `window` INT, `over` INT, `period` INT);
INSERT INTO `table` VALUES (1, 2, 3, 4, 5, 6, 7, 8);
CREATE VIEW `view` AS SELECT `from` AS `as` FROM `select`;
CREATE PROCEDURE `procedure`(`in` INT) SELECT `in`;
CREATE FUNCTION `function`() RETURNS INT DETERMINISTIC RETURN 1;
CREATE TRIGGER `trigger` BEFORE INSERT ON `select` FOR EACH ROW SET NEW.`where` = 1;
CREATE EVENT `event` ON SCHEDULE EVERY 1 DAY STARTS '2030-01-01 00:00:00' DISABLE DO SELECT 1;
CREATE TABLE Case_ (a INT); INSERT INTO Case_ VALUES (1);
CREATE TABLE case_ (A INT); INSERT INTO case_ VALUES (2);
CREATE TABLE CASE_ (a INT); INSERT INTO CASE_ VALUES (3);
CREATE TABLE ä (a INT); INSERT INTO ä VALUES (1);
CREATE TABLE Ä (a INT); INSERT INTO Ä VALUES (2);
