-- charset: swe7
-- Names of programs of swe7 clients with the letter that has the code of the backtick. (MariaDB cannot
-- read its own functions of such names.)
-- stock fails: names are in UTF-8, in a script that is not
CREATE TABLE `t``{` (a INT, `x``` INT);
DELIMITER $$
CREATE PROCEDURE `p``{`(IN ```` INT) COMMENT '`' SELECT ```` AS ````$$
CREATE FUNCTION `f{``$`() RETURNS INT DETERMINISTIC RETURN 1$$
CREATE TRIGGER `tr``` BEFORE INSERT ON `t``{` FOR EACH ROW SET NEW.`x``` = 1$$
CREATE EVENT `e``{` ON SCHEDULE EVERY 1 YEAR DISABLE DO SET @x = '`'$$
DELIMITER ;
