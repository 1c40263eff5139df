-- --------------------------------------------------------
-- Host:                         127.0.0.1
-- Server version:               10.11.6-MariaDB - mariadb.org binary distribution
-- Server OS:                    Win64
-- HeidiSQL Version:             12.6.0.6765
-- --------------------------------------------------------

/*!40101 SET @OLD_CHARACTER_SET_CLIENT=@@CHARACTER_SET_CLIENT */;
/*!40101 SET NAMES utf8 */;
/*!50503 SET NAMES utf8mb4 */;
/*!40103 SET @OLD_TIME_ZONE=@@TIME_ZONE */;
/*!40103 SET TIME_ZONE='+00:00' */;
/*!40014 SET @OLD_FOREIGN_KEY_CHECKS=@@FOREIGN_KEY_CHECKS, FOREIGN_KEY_CHECKS=0 */;
/*!40101 SET @OLD_SQL_MODE=@@SQL_MODE, SQL_MODE='NO_AUTO_VALUE_ON_ZERO' */;
/*!40111 SET @OLD_SQL_NOTES=@@SQL_NOTES, SQL_NOTES=0 */;


-- Dumping database structure for library
CREATE DATABASE IF NOT EXISTS `library` /*!40100 DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci */;
USE `library`;

-- Dumping structure for table library.books
DROP TABLE IF EXISTS `books`;
CREATE TABLE IF NOT EXISTS `books` (
  `id` int(11) NOT NULL AUTO_INCREMENT,
  `title` varchar(80) NOT NULL DEFAULT '',
  `price` decimal(8,2) DEFAULT NULL COMMENT 'in euros; gross',
  `lent` int(11) NOT NULL DEFAULT 0,
  `added` timestamp NULL DEFAULT NULL,
  `cover` blob DEFAULT NULL,
  PRIMARY KEY (`id`),
  KEY `title` (`title`(20))
) ENGINE=InnoDB AUTO_INCREMENT=3 DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_ci;

-- Dumping data for table library.books: ~3 rows (approximately)
DELETE FROM `books`;
INSERT INTO `books` (`id`, `title`, `price`, `lent`, `added`, `cover`) VALUES
	(0, 'nought', NULL, 0, NULL, NULL),
	(1, 'It\'s a "title"; with \\ and -- dashes', 12.50, 3, '2025-12-31 23:59:59', _binary 0x00ff27225c),
	(2, 'Grün ✓ 🦀\r\nsecond line', 0.00, 0, '2026-01-01 00:00:00', _binary '');

-- Dumping structure for event library.forget
DROP EVENT IF EXISTS `forget`;
DELIMITER //
CREATE EVENT `forget` ON SCHEDULE EVERY 1 DAY STARTS '2026-01-01 03:00:00' ON COMPLETION PRESERVE DISABLE DO BEGIN
  DELETE FROM loans WHERE note IS NULL;
END//
DELIMITER ;

-- Dumping structure for function library.halved
DROP FUNCTION IF EXISTS `halved`;
DELIMITER //
CREATE FUNCTION `halved`(`n` INT
) RETURNS int(11)
    DETERMINISTIC
BEGIN
  -- it's a comment; http://example.org
  RETURN n DIV 2;
END//
DELIMITER ;

-- Dumping structure for procedure library.lend
DROP PROCEDURE IF EXISTS `lend`;
DELIMITER //
CREATE PROCEDURE `lend`(
	IN `which` INT
)
BEGIN
  UPDATE books SET lent = lent + 1 WHERE id = which;
END//
DELIMITER ;

-- Dumping structure for table library.loans
DROP TABLE IF EXISTS `loans`;
CREATE TABLE IF NOT EXISTS `loans` (
  `id` int(11) NOT NULL AUTO_INCREMENT,
  `book` int(11) NOT NULL,
  `note` text DEFAULT NULL,
  PRIMARY KEY (`id`),
  KEY `book` (`book`),
  CONSTRAINT `loans_ibfk_1` FOREIGN KEY (`book`) REFERENCES `books` (`id`) ON DELETE CASCADE
) ENGINE=InnoDB AUTO_INCREMENT=30 DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_ci;

-- Dumping data for table library.loans: ~2 rows (approximately)
DELETE FROM `loans`;
INSERT INTO `loans` (`id`, `book`, `note`) VALUES
	(1, 1, '/* no comment */ # nor this'),
	(2, 1, NULL);

-- Dumping structure for view library.lent_books
DROP VIEW IF EXISTS `lent_books`;
-- Creating temporary table to overcome VIEW dependency errors
CREATE TABLE `lent_books` (
	`title` VARCHAR(1) NOT NULL COLLATE 'utf8mb4_unicode_ci',
	`half` INT(11) NULL
) ENGINE=MyISAM;

-- Dumping structure for trigger library.shorten
DROP TRIGGER IF EXISTS `shorten`;
SET @OLDTMP_SQL_MODE=@@SQL_MODE, SQL_MODE='STRICT_TRANS_TABLES,ERROR_FOR_DIVISION_BY_ZERO,NO_ENGINE_SUBSTITUTION';
DELIMITER //
CREATE TRIGGER `shorten` BEFORE INSERT ON `loans` FOR EACH ROW BEGIN
  SET NEW.note = LEFT(NEW.note, 40);
END//
DELIMITER ;
SET SQL_MODE=@OLDTMP_SQL_MODE;

-- Removing temporary table and create final VIEW structure
DROP TABLE IF EXISTS `lent_books`;
CREATE ALGORITHM=UNDEFINED SQL SECURITY DEFINER VIEW `lent_books` AS select `books`.`title` AS `title`,`books`.`lent` DIV 2 AS `half` from `books` where `books`.`lent` > 0
;

/*!40103 SET TIME_ZONE=IFNULL(@OLD_TIME_ZONE, 'system') */;
/*!40101 SET SQL_MODE=IFNULL(@OLD_SQL_MODE, '') */;
/*!40014 SET FOREIGN_KEY_CHECKS=IFNULL(@OLD_FOREIGN_KEY_CHECKS, 1) */;
/*!40101 SET CHARACTER_SET_CLIENT=@OLD_CHARACTER_SET_CLIENT */;
/*!40111 SET SQL_NOTES=IFNULL(@OLD_SQL_NOTES, 1) */;
