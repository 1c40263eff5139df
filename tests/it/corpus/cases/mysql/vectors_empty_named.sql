-- Vectors of no length in a column whose default is another: nothing that can be written makes one.
-- refused: a vector of no length is in the column `v`
CREATE TABLE t (id INT PRIMARY KEY);
INSERT INTO t VALUES (1), (2);
ALTER TABLE t ADD v VECTOR(2) NOT NULL;
ALTER TABLE t ALTER v SET DEFAULT (STRING_TO_VECTOR('[1,2]'));
