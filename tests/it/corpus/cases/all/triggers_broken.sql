-- lost: trigger broken
-- changed: trigger last, ACTION_ORDER
-- warning: names the column 'b' of its table
-- stock fails: the servers let a column go that a trigger names, and nobody can make that trigger again
-- A trigger of which a column is gone; and others that speak of columns in other words.
CREATE TABLE t (a INT, b INT, `c d` INT);
CREATE TRIGGER whole BEFORE INSERT ON t FOR EACH ROW SET NEW.A = 1, NEW.`c d` = NEW . a;
CREATE TRIGGER broken BEFORE UPDATE ON t FOR EACH ROW SET NEW.a = OLD.b;
CREATE TRIGGER last BEFORE UPDATE ON t FOR EACH ROW FOLLOWS broken SET NEW.a = OLD.a, @new.b = 'OLD.b';
ALTER TABLE t DROP COLUMN b;
