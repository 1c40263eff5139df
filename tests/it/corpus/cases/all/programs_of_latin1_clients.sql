-- charset: latin1
-- Programs that a latin1 client made: their bodies are kept in its bytes, and what the server prints
-- around them is not.
-- stock fails on mysql: the name of a trigger's table is in UTF-8, in a script that is not
-- stock fails on mariadb: a view that such a client made
CREATE TABLE t (a INT, `é` VARCHAR(20) CHARACTER SET utf8mb4);
CREATE TABLE `ét` (a INT, `é` VARCHAR(20) CHARACTER SET utf8mb4);
INSERT INTO t (a) VALUES (1);
DELIMITER $$
CREATE DEFINER=`déf`@`%` PROCEDURE `pé`(IN `à` INT, OUT b VARCHAR(20)) COMMENT 'nö'
BEGIN SET b = CONCAT('ü', `à`); END$$
CREATE DEFINER=`déf`@`%` FUNCTION `fé`(`à` INT) RETURNS VARCHAR(20) CHARACTER SET utf8mb4 DETERMINISTIC NO SQL COMMENT 'nö'
RETURN CONCAT('ü', `à`)$$
CREATE DEFINER=`déf`@`%` TRIGGER `té` BEFORE INSERT ON t FOR EACH ROW SET NEW.`é` = 'ü'$$
CREATE DEFINER=`def`@`%` TRIGGER `xÉ` BEFORE INSERT ON t FOR EACH ROW SET @x = 'ü'$$
CREATE DEFINER=`déf`@`%` TRIGGER `ti` BEFORE INSERT ON `ét` FOR EACH ROW SET @x = 'ü'$$
CREATE DEFINER=`déf`@`%` EVENT `eé` ON SCHEDULE EVERY 1 YEAR DISABLE COMMENT 'nö' DO SET @`é` = 'ü'$$
CREATE DEFINER=`déf`@`%` VIEW `vé` AS SELECT `é` AS `è`, 'ü' AS `x` FROM t$$
SET sql_mode = 'ANSI_QUOTES'$$
CREATE DEFINER="déf"@"%" PROCEDURE "qé"(IN "à" INT, OUT b VARCHAR(20)) COMMENT 'nö'
BEGIN SET b = CONCAT('ü', "à"); END$$
CREATE DEFINER="déf"@"%" FUNCTION "gé"("à" INT) RETURNS VARCHAR(20) CHARACTER SET utf8mb4 DETERMINISTIC NO SQL COMMENT 'nö'
RETURN CONCAT('ü', "à")$$
CREATE DEFINER="déf"@"%" TRIGGER "ué" BEFORE UPDATE ON "ét" FOR EACH ROW SET NEW."é" = 'ü'$$
CREATE DEFINER="déf"@"%" EVENT "hé" ON SCHEDULE EVERY 1 YEAR DISABLE COMMENT 'nö' DO SET @"é" = 'ü'$$
CREATE DEFINER="déf"@"%" VIEW "wé" AS SELECT "é" AS "è", 'ü' AS "x" FROM "ét"$$
DELIMITER ;
