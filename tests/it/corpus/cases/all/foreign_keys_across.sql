-- Foreign keys from one database to another and back.
-- databases: 2
CREATE DATABASE {{1}};
CREATE DATABASE {{2}};
SET foreign_key_checks = 0;
CREATE TABLE {{1}}.a (id INT PRIMARY KEY, b INT, CONSTRAINT to_b FOREIGN KEY (b) REFERENCES {{2}}.b (id) ON DELETE CASCADE) ENGINE=InnoDB;
CREATE TABLE {{2}}.b (id INT PRIMARY KEY, a INT, CONSTRAINT to_a FOREIGN KEY (a) REFERENCES {{1}}.a (id)) ENGINE=InnoDB;
INSERT INTO {{1}}.a VALUES (1, 1), (2, NULL);
INSERT INTO {{2}}.b VALUES (1, 2);
CREATE VIEW {{1}}.v AS SELECT a.id, b.a FROM {{1}}.a JOIN {{2}}.b ON b.id = a.b;
CREATE VIEW {{2}}.a_view AS SELECT * FROM {{1}}.v;
CREATE VIEW {{1}}.z_view AS SELECT * FROM {{2}}.a_view;
CREATE PROCEDURE {{2}}.p() SELECT * FROM {{1}}.v;
CREATE TRIGGER {{1}}.t AFTER INSERT ON {{1}}.a FOR EACH ROW INSERT INTO {{2}}.b VALUES (NEW.id + 100, NULL);
