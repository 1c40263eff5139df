-- Procedures and functions: parameters, characteristics, security, comments.
-- stock fails on mysql: mysqldump puts its delimiter behind the comment at the end of a body
SET NAMES utf8mb4;
CREATE TABLE t (a INT);
DELIMITER $$
CREATE DEFINER='nobody'@'%' PROCEDURE params(IN a INT, OUT b VARCHAR(20) CHARACTER SET latin1, INOUT c DECIMAL(10,2), d ENUM('x','it''s'), e TEXT CHARACTER SET utf8mb4)
    MODIFIES SQL DATA
    SQL SECURITY INVOKER
    COMMENT 'it''s'
BEGIN
  -- comment; with delimiters $ and ;
  # another
  /* and
     a third; */
  DECLARE `we ird` INT DEFAULT 5;
  DECLARE CONTINUE HANDLER FOR NOT FOUND SET `we ird` = 0;
  label: LOOP
    SET `we ird` = `we ird` - 1;
    IF `we ird` < 0 THEN LEAVE label; END IF;
  END LOOP label;
  SET b = 'é', c = c + a;
END$$
CREATE FUNCTION typed(a BIGINT UNSIGNED, s CHAR(5) CHARACTER SET latin1) RETURNS VARCHAR(100) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin
  DETERMINISTIC NO SQL
  RETURN CONCAT(a, s, '日')$$
DELIMITER ;
CREATE FUNCTION `f ``"' é`() RETURNS INT NOT DETERMINISTIC CONTAINS SQL RETURN 1;
CREATE FUNCTION one_line() RETURNS JSON READS SQL DATA RETURN (SELECT JSON_ARRAYAGG(a) FROM t);
CREATE FUNCTION same_name() RETURNS INT DETERMINISTIC RETURN 1;
CREATE PROCEDURE same_name() SELECT 1;
CREATE PROCEDURE empty_body() BEGIN END;
CREATE PROCEDURE ends_in_comment() SELECT 1 -- the end
;
DELIMITER //
CREATE PROCEDURE dynamic_() BEGIN PREPARE s FROM 'SELECT ''x'''; EXECUTE s; DEALLOCATE PREPARE s; END//
DELIMITER ;
-- Words that are options of tables elsewhere.
CREATE TABLE words (charset VARCHAR(9), lang VARCHAR(9));
CREATE PROCEDURE words() SELECT charset, MAX(lang) charset, @@collation_connection FROM words WHERE charset = lang;
CREATE TRIGGER words BEFORE INSERT ON words FOR EACH ROW SET NEW.charset = NEW.lang;
CREATE EVENT words ON SCHEDULE EVERY 1 YEAR DISABLE DO DELETE FROM words WHERE charset = CASE WHEN 1 THEN IF(1, 'a', 'b') END;
