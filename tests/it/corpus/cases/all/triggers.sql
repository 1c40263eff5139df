-- Triggers: each event, several on one in their order, other definers, bodies that write.
CREATE TABLE t (id INT PRIMARY KEY, a INT, note VARCHAR(100)) ENGINE=InnoDB;
CREATE TABLE log (id INT AUTO_INCREMENT PRIMARY KEY, what VARCHAR(100));
CREATE TRIGGER z_first BEFORE INSERT ON t FOR EACH ROW SET NEW.note = CONCAT(COALESCE(NEW.note, ''), '1');
CREATE TRIGGER m_second BEFORE INSERT ON t FOR EACH ROW SET NEW.note = CONCAT(NEW.note, '2');
CREATE TRIGGER a_third BEFORE INSERT ON t FOR EACH ROW FOLLOWS m_second SET NEW.note = CONCAT(NEW.note, '3');
CREATE TRIGGER b_before_all BEFORE INSERT ON t FOR EACH ROW PRECEDES z_first SET NEW.note = CONCAT('0', COALESCE(NEW.note, ''));
INSERT INTO t VALUES (1, 1, 'x'), (2, 10, NULL);
DELIMITER //
CREATE DEFINER='some one'@'%.example' TRIGGER ai AFTER INSERT ON t FOR EACH ROW
BEGIN
  -- a comment in the body
  INSERT INTO log (what) VALUES (CONCAT('insert ', NEW.id)); /* and another; with a semicolon */
  IF NEW.a > 5 THEN
    INSERT INTO log (what) VALUES ('it''s "big"');
  END IF;
END//
DELIMITER ;
CREATE TRIGGER bu BEFORE UPDATE ON t FOR EACH ROW SET NEW.a = OLD.a + 1;
CREATE TRIGGER au AFTER UPDATE ON t FOR EACH ROW INSERT INTO log (what) VALUES ('u');
CREATE TRIGGER bd BEFORE DELETE ON t FOR EACH ROW INSERT INTO log (what) VALUES (OLD.id);
CREATE TRIGGER `ad ``"' é` AFTER DELETE ON t FOR EACH ROW INSERT INTO log (what) VALUES ('d');
UPDATE t SET a = 7 WHERE id = 1;
DELETE FROM t WHERE id = 2;
