-- Foreign keys in circles, to the table itself, with every action, on several columns.
SET foreign_key_checks = 0;
CREATE TABLE z_hen (id INT PRIMARY KEY, egg INT, CONSTRAINT from_egg FOREIGN KEY (egg) REFERENCES a_egg (id) ON DELETE SET NULL ON UPDATE CASCADE) ENGINE=InnoDB;
CREATE TABLE a_egg (id INT PRIMARY KEY, hen INT, CONSTRAINT from_hen FOREIGN KEY (hen) REFERENCES z_hen (id) ON DELETE CASCADE) ENGINE=InnoDB;
INSERT INTO z_hen VALUES (1, 1), (2, NULL);
INSERT INTO a_egg VALUES (1, 2), (2, 1);
CREATE TABLE tree (id INT PRIMARY KEY, parent INT, FOREIGN KEY (parent) REFERENCES tree (id) ON DELETE RESTRICT ON UPDATE NO ACTION) ENGINE=InnoDB;
INSERT INTO tree VALUES (3, 3), (1, 2), (2, 1), (4, NULL);
CREATE TABLE pairs (a INT, b VARCHAR(5), c INT, PRIMARY KEY (a, b), UNIQUE KEY (c)) ENGINE=InnoDB;
CREATE TABLE of_pairs (x INT, y VARCHAR(5), z INT, CONSTRAINT `of ``pair's"` FOREIGN KEY (x, y) REFERENCES pairs (a, b) ON UPDATE SET NULL, FOREIGN KEY (z) REFERENCES pairs (c)) ENGINE=InnoDB;
INSERT INTO pairs VALUES (1, 'a', 7);
INSERT INTO of_pairs VALUES (1, 'a', 7), (NULL, 'x', NULL), (9, 'gone', 8);
CREATE TABLE orphan (id INT, gone INT, FOREIGN KEY (gone) REFERENCES not_there (id)) ENGINE=InnoDB;
INSERT INTO orphan VALUES (1, 5);
