-- Bodies that hold every delimiter that tools like to use, as text, in names and in comments.
-- stock hangs on mysql: mysqldump runs forever on a body with two semicolons in a row
-- stock hangs on mariadb_10_11: mariadb-dump runs forever on a body with two semicolons in a row
CREATE TABLE t (a INT, b VARCHAR(100));
DELIMITER |END|
CREATE TRIGGER semis BEFORE INSERT ON t FOR EACH ROW
BEGIN
  SET NEW.b = 'a;;b//c$$d';
END|END|
CREATE PROCEDURE all_of_them()
BEGIN
  -- ;; // $$ //0// | || DELIMITER ;;
  SELECT ';;', '//', '$$', '//0//', '\\', '|', '//1//';
  /* DELIMITER // */
  SELECT `;;` FROM (SELECT 1 AS `;;`) AS `//`;
END|END|
CREATE FUNCTION text_lines() RETURNS TEXT DETERMINISTIC
RETURN '
DELIMITER ;;
-- not a comment
;
'|END|
CREATE EVENT e ON SCHEDULE EVERY 1 HOUR DISABLE DO BEGIN SELECT ';;'; SELECT '$$'; END|END|
