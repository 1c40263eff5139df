-- The primary key that the server made because there was none.
-- databases: 1
CREATE DATABASE {{1}};
USE {{1}};
SET sql_generate_invisible_primary_key = ON;
CREATE TABLE made (a INT, b VARCHAR(10));
INSERT INTO made VALUES (1, 'x'), (1, 'x'), (2, NULL);
DELETE FROM made WHERE a = 2;
CREATE TABLE own (id INT PRIMARY KEY);
CREATE TABLE empty_ (a INT);
SET sql_generate_invisible_primary_key = OFF;
CREATE TABLE none (a INT);
INSERT INTO none VALUES (1);
INSERT INTO made (my_row_id, a) VALUES (77, 7);
