-- ENUM and SET: members with every awkward character, the error value, the empty member, index 0.
-- stock loses: the error value beside an empty member, an empty SET beside an empty member, and members that are equal to an earlier one
SET sql_mode = '';
SET NAMES utf8mb4;
CREATE TABLE enums (id INT PRIMARY KEY,
  quotes ENUM('it''s', '"', '`', '''', ''''''), commas ENUM('a,b', ',', ''','''), slash ENUM('\\', 'a\\b', '\n', '\t', '%', '_'),
  blank ENUM('a b', ' lead'), `empty` ENUM('x', '', 'y'), words ENUM('NULL', 'null x', 'DEFAULT', '0', '1', '2'),
  latin ENUM('ä', 'é', '€') CHARACTER SET latin1, uni ENUM('日', '😀', 'é') CHARACTER SET utf8mb4, bin ENUM('a', 'b') CHARACTER SET binary, nn ENUM('a','b') NOT NULL);
INSERT INTO enums VALUES (1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1), (2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2), (3, 3, 3, 3, 0, 3, 3, 3, 3, 0, 0), (4, 4, 0, 4, 0, 0, 4, 0, 0, 0, 'nonsense'), (5, 5, NULL, 5, NULL, NULL, 5, NULL, NULL, NULL, 1), (6, 0, 0, 6, 0, 0, 6, 0, 0, 0, 1);
CREATE TABLE sets (id INT PRIMARY KEY, s SET('a', 'b', 'c d', 'it''s', '"', '\\', '%'), `empty` SET('', 'x', 'y'), only_empty SET(''), latin SET('ä', 'é') CHARACTER SET latin1, uni SET('日', '😀') CHARACTER SET utf8mb4, bin SET('a', 'b') CHARACTER SET binary, nn SET('1', '2', '4') NOT NULL);
INSERT INTO sets VALUES (1, '', '', '', '', '', '', ''), (2, 127, 1, 1, 3, 3, 3, 7), (3, 64, 2, 0, 1, 1, 1, 1), (4, 'a,b', 3, 0, 2, 2, 2, '1,4'), (5, NULL, NULL, NULL, NULL, NULL, NULL, 0), (6, 0, 0, 0, 0, 0, 0, 2), (7, 1, 7, 1, 1, 1, 1, 4), (8, 1, 4, 0, 0, 0, 0, 0);
CREATE TABLE widest (id INT PRIMARY KEY, s SET('1','2','3','4','5','6','7','8','9','10','11','12','13','14','15','16','17','18','19','20','21','22','23','24','25','26','27','28','29','30','31','32','33','34','35','36','37','38','39','40','41','42','43','44','45','46','47','48','49','50','51','52','53','54','55','56','57','58','59','60','61','62','63','64'));
INSERT INTO widest VALUES (1, 18446744073709551615), (2, 9223372036854775808), (3, 0), (4, 1);
CREATE TABLE defaults (id INT PRIMARY KEY, e ENUM('it''s', 'b') DEFAULT 'it''s', f ENUM('', 'b') NOT NULL DEFAULT '', s SET('a', 'b', 'c') DEFAULT 'a,c', t SET('', 'b') DEFAULT '');
INSERT INTO defaults (id) VALUES (1);
CREATE TABLE twins (id INT PRIMARY KEY, e ENUM('a', 'A', 'b') CHARACTER SET latin1, s SET('x', 'X', 'y') CHARACTER SET latin1, accents ENUM('e', 'é', 'E') CHARACTER SET utf8mb4);
INSERT INTO twins VALUES (1, 1, 1, 1), (2, 2, 2, 2), (3, 3, 3, 3), (4, 0, 7, 0), (5, NULL, 4, NULL);
