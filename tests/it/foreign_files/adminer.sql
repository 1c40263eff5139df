-- Adminer 4.8.1 MySQL 10.11.6-MariaDB dump

SET NAMES utf8;
SET time_zone = '+00:00';
SET foreign_key_checks = 0;
SET sql_mode = 'NO_AUTO_VALUE_ON_ZERO';

DELIMITER ;;

DROP FUNCTION IF EXISTS `halved`;;
CREATE FUNCTION `halved`(`n` int) RETURNS int(11)
    DETERMINISTIC
BEGIN
  -- it's a comment; of two parts
  RETURN n DIV 2;
END;;

DROP PROCEDURE IF EXISTS `lend`;;
CREATE PROCEDURE `lend`(IN `which` int)
UPDATE books SET lent = lent + 1 WHERE id = which;;

DROP EVENT IF EXISTS `forget`;;
CREATE EVENT `forget` ON SCHEDULE EVERY 1 DAY STARTS '2026-01-01 03:00:00' ON COMPLETION PRESERVE DISABLE COMMENT 'a; b' DO DELETE FROM loans WHERE note IS NULL;;

DELIMITER ;

SET NAMES utf8mb4;

DROP TABLE IF EXISTS `loans`;
CREATE TABLE `loans` (
  `id` int(11) NOT NULL AUTO_INCREMENT,
  `book` int(11) NOT NULL,
  `note` text DEFAULT NULL,
  PRIMARY KEY (`id`),
  KEY `book` (`book`),
  CONSTRAINT `loans_ibfk_1` FOREIGN KEY (`book`) REFERENCES `books` (`id`) ON DELETE CASCADE
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_ci;

TRUNCATE `loans`;
INSERT INTO `loans` (`id`, `book`, `note`) VALUES
(1,	1,	'/* no comment */ # nor this'),
(2,	1,	NULL)
ON DUPLICATE KEY UPDATE `id` = VALUES(`id`), `book` = VALUES(`book`), `note` = VALUES(`note`);

DELIMITER ;;

CREATE TRIGGER `shorten` BEFORE INSERT ON `loans` FOR EACH ROW
BEGIN
  SET NEW.note = LEFT(NEW.note, 40);
END;;

DELIMITER ;

DROP TABLE IF EXISTS `books`;
CREATE TABLE `books` (
  `id` int(11) NOT NULL AUTO_INCREMENT,
  `title` varchar(80) NOT NULL DEFAULT '',
  `price` decimal(8,2) DEFAULT NULL COMMENT 'in euros; gross',
  `lent` int(11) NOT NULL DEFAULT 0,
  `added` timestamp NULL DEFAULT NULL,
  `cover` blob DEFAULT NULL,
  PRIMARY KEY (`id`),
  KEY `title` (`title`(20))
) ENGINE=InnoDB AUTO_INCREMENT=3 DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_ci;

TRUNCATE `books`;
INSERT INTO `books` (`id`, `title`, `price`, `lent`, `added`, `cover`) VALUES
(0,	'nought',	NULL,	0,	NULL,	NULL),
(1,	'It\'s a \"title\"; with \\ and -- dashes',	12.50,	3,	'2025-12-31 23:59:59',	UNHEX('00FF27225C')),
(2,	'Grün ✓ 🦀\r\nsecond line',	0.00,	0,	'2026-01-01 00:00:00',	'');

DROP VIEW IF EXISTS `lent_books`;
CREATE TABLE `lent_books` (`title` varchar(80), `half` int(11));


DROP TABLE IF EXISTS `lent_books`;
CREATE ALGORITHM=UNDEFINED SQL SECURITY DEFINER VIEW `lent_books` AS select `books`.`title` AS `title`,`books`.`lent` DIV 2 AS `half` from `books` where `books`.`lent` > 0;

-- 2026-01-10 10:11:12
