-- One table of each engine; rows of MERGE live in its parts and are dumped there.
-- warning: whose rows live elsewhere
CREATE TABLE innodb_ (a INT PRIMARY KEY, b TEXT) ENGINE=InnoDB;
INSERT INTO innodb_ VALUES (1, 'a');
CREATE TABLE myisam_ (a INT, b TEXT, KEY (a)) ENGINE=MyISAM;
INSERT INTO myisam_ VALUES (2, 'b'), (1, 'a');
CREATE TABLE memory_ (a INT, b VARCHAR(20)) ENGINE=MEMORY;
INSERT INTO memory_ VALUES (1, 'x'), (1, 'x');
CREATE TABLE csv_ (a INT NOT NULL, b VARCHAR(50) NOT NULL, c DATETIME NOT NULL) ENGINE=CSV;
INSERT INTO csv_ VALUES (1, 'it''s, "q" \\ x', '2020-01-01'), (2, '', '2020-01-01 10:00:00'), (3, 'line\nbreak', '2020-01-01');
CREATE TABLE part1 (a INT NOT NULL, b VARCHAR(9), KEY (a)) ENGINE=MyISAM;
CREATE TABLE part2 LIKE part1;
CREATE TABLE all_parts (a INT NOT NULL, b VARCHAR(9), KEY (a)) ENGINE=MERGE UNION=(part1, part2) INSERT_METHOD=LAST;
INSERT INTO part1 VALUES (1, 'one'), (2, 'two');
INSERT INTO all_parts VALUES (3, 'three');
