-- Foreign keys: to later tables, to itself, in a circle, with every action, and rows that break them.
CREATE TABLE z_parent (id INT PRIMARY KEY, u INT, UNIQUE KEY (u)) ENGINE=InnoDB;
CREATE TABLE a_child (id INT PRIMARY KEY, p INT, q INT, r INT, CONSTRAINT `it's "fk"` FOREIGN KEY (p) REFERENCES z_parent (id) ON DELETE CASCADE ON UPDATE SET NULL, CONSTRAINT fk_u FOREIGN KEY (q) REFERENCES z_parent (u) ON DELETE RESTRICT ON UPDATE NO ACTION, FOREIGN KEY named_key (r) REFERENCES a_child (id) ON DELETE SET NULL) ENGINE=InnoDB;
INSERT INTO z_parent VALUES (1, 10), (2, 20), (3, NULL);
SET foreign_key_checks = 0;
INSERT INTO a_child VALUES (1, 1, 10, 2), (2, 2, NULL, 1), (3, 999, 999, 999), (4, NULL, NULL, 4);
CREATE TABLE one (id INT PRIMARY KEY, other INT, FOREIGN KEY (other) REFERENCES two (id)) ENGINE=InnoDB;
CREATE TABLE two (id INT PRIMARY KEY, other INT, FOREIGN KEY (other) REFERENCES one (id)) ENGINE=InnoDB;
INSERT INTO one VALUES (1, 2), (2, 1);
INSERT INTO two VALUES (1, 2), (2, 1);
CREATE TABLE pair (a INT, b INT, c INT, PRIMARY KEY (a, b)) ENGINE=InnoDB;
CREATE TABLE aa_pair_child (x INT, y INT, CONSTRAINT two_columns FOREIGN KEY (x, y) REFERENCES pair (a, b) ON UPDATE CASCADE) ENGINE=InnoDB;
INSERT INTO pair VALUES (1, 2, 3);
INSERT INTO aa_pair_child VALUES (1, 2), (1, NULL);
CREATE TABLE dangling (id INT PRIMARY KEY, p INT, FOREIGN KEY (p) REFERENCES not_there (id)) ENGINE=InnoDB;
INSERT INTO dangling VALUES (1, 5);
