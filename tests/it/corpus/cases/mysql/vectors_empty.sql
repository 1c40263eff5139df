-- Vectors of no length, which rows have that are older than their column. No literal is one.
-- stock fails: an empty vector is written as a text, which the server does not take for a vector
CREATE TABLE t (id INT PRIMARY KEY);
INSERT INTO t VALUES (1), (2);
ALTER TABLE t ADD v VECTOR(2) NOT NULL;
INSERT INTO t VALUES (3, STRING_TO_VECTOR('[1,2]'));
CREATE TABLE more (id INT PRIMARY KEY, n VECTOR(3), v VECTOR(2) NOT NULL, w VECTOR(2) NOT NULL);
INSERT IGNORE INTO more (id, w) VALUES (1, STRING_TO_VECTOR('[1,2]'));
INSERT INTO more VALUES (2, STRING_TO_VECTOR('[1,2,3]'), STRING_TO_VECTOR('[1,2]'), STRING_TO_VECTOR('[3,4]'));
