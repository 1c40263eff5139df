-- MERGE tables: of parts that come before and after them by name, of one part, of none; insert methods.
-- warning: whose rows live elsewhere
CREATE TABLE b_part (a INT NOT NULL, b VARCHAR(9), KEY (a)) ENGINE=MyISAM;
CREATE TABLE z_part LIKE b_part;
INSERT INTO b_part VALUES (1, 'b'), (2, NULL);
INSERT INTO z_part VALUES (3, 'z');
CREATE TABLE a_both (a INT NOT NULL, b VARCHAR(9), KEY (a)) ENGINE=MERGE UNION=(z_part, b_part) INSERT_METHOD=FIRST;
CREATE TABLE y_one (a INT NOT NULL, b VARCHAR(9), KEY (a)) ENGINE=MERGE UNION=(b_part);
CREATE TABLE no_parts (a INT NOT NULL) ENGINE=MERGE;
INSERT INTO a_both VALUES (4, 'first');
CREATE VIEW v AS SELECT a FROM a_both;
