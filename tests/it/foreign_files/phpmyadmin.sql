-- phpMyAdmin SQL Dump
-- version 5.2.1
-- https://www.phpmyadmin.net/
--
-- Host: localhost:3306
-- Generation Time: Jan 10, 2026 at 10:11 AM
-- Server version: 10.11.6-MariaDB
-- PHP Version: 8.2.7

SET SQL_MODE = "NO_AUTO_VALUE_ON_ZERO";
START TRANSACTION;
SET time_zone = "+00:00";


/*!40101 SET @OLD_CHARACTER_SET_CLIENT=@@CHARACTER_SET_CLIENT */;
/*!40101 SET @OLD_CHARACTER_SET_RESULTS=@@CHARACTER_SET_RESULTS */;
/*!40101 SET @OLD_COLLATION_CONNECTION=@@COLLATION_CONNECTION */;
/*!40101 SET NAMES utf8mb4 */;

--
-- Database: `library`
--

DELIMITER $$
--
-- Procedures
--
DROP PROCEDURE IF EXISTS `lend`$$
CREATE DEFINER=`root`@`localhost` PROCEDURE `lend` (IN `which` INT)  MODIFIES SQL DATA BEGIN
  -- a comment; with a delimiter
  UPDATE books SET lent = lent + 1 WHERE id = which;
  INSERT INTO loans (book, note) VALUES (which, 'it''s $out; again');
END$$

--
-- Functions
--
DROP FUNCTION IF EXISTS `halved`$$
CREATE DEFINER=`root`@`localhost` FUNCTION `halved` (`n` INT) RETURNS INT(11) DETERMINISTIC RETURN n DIV 2$$

DELIMITER ;

-- --------------------------------------------------------

--
-- Table structure for table `books`
--

DROP TABLE IF EXISTS `books`;
CREATE TABLE `books` (
  `id` int(11) NOT NULL,
  `title` varchar(80) COLLATE utf8mb4_unicode_ci NOT NULL DEFAULT '',
  `price` decimal(8,2) DEFAULT NULL COMMENT 'in euros; gross',
  `lent` int(11) NOT NULL DEFAULT 0,
  `added` timestamp NULL DEFAULT NULL,
  `cover` blob DEFAULT NULL
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_ci;

--
-- Dumping data for table `books`
--

INSERT INTO `books` (`id`, `title`, `price`, `lent`, `added`, `cover`) VALUES
(0, 'nought', NULL, 0, NULL, NULL),
(1, 'It\'s a \"title\"; with \\ and -- dashes', '12.50', 3, '2025-12-31 23:59:59', 0x00ff27225c),
(2, 'Grün ✓ 🦀\r\nsecond line', '0.00', 0, '2026-01-01 00:00:00', '');

-- --------------------------------------------------------

--
-- Table structure for table `loans`
--

DROP TABLE IF EXISTS `loans`;
CREATE TABLE `loans` (
  `id` int(11) NOT NULL,
  `book` int(11) NOT NULL,
  `note` text COLLATE utf8mb4_unicode_ci DEFAULT NULL
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_ci;

--
-- Dumping data for table `loans`
--

INSERT INTO `loans` (`id`, `book`, `note`) VALUES
(1, 1, '/* no comment */ # nor this'),
(2, 1, NULL);

--
-- Triggers `loans`
--
DROP TRIGGER IF EXISTS `shorten`;
DELIMITER $$
CREATE TRIGGER `shorten` BEFORE INSERT ON `loans` FOR EACH ROW BEGIN
  SET NEW.note = LEFT(NEW.note, 40);
END
$$
DELIMITER ;

-- --------------------------------------------------------

--
-- Stand-in structure for view `lent_books`
-- (See below for the actual view)
--
DROP VIEW IF EXISTS `lent_books`;
CREATE TABLE `lent_books` (
`title` varchar(80)
,`half` int(11)
);

-- --------------------------------------------------------

--
-- Structure for view `lent_books`
--
DROP TABLE IF EXISTS `lent_books`;

DROP VIEW IF EXISTS `lent_books`;
CREATE ALGORITHM=UNDEFINED DEFINER=`root`@`localhost` SQL SECURITY DEFINER VIEW `lent_books`  AS SELECT `books`.`title` AS `title`, `books`.`lent` DIV 2 AS `half` FROM `books` WHERE `books`.`lent` > 0 ;

--
-- Indexes for dumped tables
--

--
-- Indexes for table `books`
--
ALTER TABLE `books`
  ADD PRIMARY KEY (`id`),
  ADD KEY `title` (`title`(20));

--
-- Indexes for table `loans`
--
ALTER TABLE `loans`
  ADD PRIMARY KEY (`id`),
  ADD KEY `book` (`book`);

--
-- AUTO_INCREMENT for dumped tables
--

--
-- AUTO_INCREMENT for table `books`
--
ALTER TABLE `books`
  MODIFY `id` int(11) NOT NULL AUTO_INCREMENT, AUTO_INCREMENT=3;

--
-- AUTO_INCREMENT for table `loans`
--
ALTER TABLE `loans`
  MODIFY `id` int(11) NOT NULL AUTO_INCREMENT, AUTO_INCREMENT=30;

--
-- Constraints for dumped tables
--

--
-- Constraints for table `loans`
--
ALTER TABLE `loans`
  ADD CONSTRAINT `loans_ibfk_1` FOREIGN KEY (`book`) REFERENCES `books` (`id`) ON DELETE CASCADE;

DELIMITER $$
--
-- Events
--
DROP EVENT IF EXISTS `forget`$$
CREATE DEFINER=`root`@`localhost` EVENT `forget` ON SCHEDULE EVERY 1 DAY STARTS '2026-01-01 03:00:00' ON COMPLETION PRESERVE DISABLE DO DELETE FROM loans WHERE note IS NULL$$

DELIMITER ;
COMMIT;

/*!40101 SET CHARACTER_SET_CLIENT=@OLD_CHARACTER_SET_CLIENT */;
/*!40101 SET CHARACTER_SET_RESULTS=@OLD_CHARACTER_SET_RESULTS */;
/*!40101 SET COLLATION_CONNECTION=@OLD_COLLATION_CONNECTION */;
