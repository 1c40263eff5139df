-- Views that call functions that write. A transaction that only reads does not even look at them.
-- lost: view of_what_is_gone
-- stock fails: a view of what is gone ends the dump
CREATE TABLE t (a INT);
INSERT INTO t VALUES (1), (2);
CREATE TABLE log (a INT);
DELIMITER $$
CREATE FUNCTION writes (x INT) RETURNS INT DETERMINISTIC MODIFIES SQL DATA
BEGIN INSERT INTO log VALUES (x); RETURN x; END$$
CREATE FUNCTION calls (x INT) RETURNS INT DETERMINISTIC MODIFIES SQL DATA RETURN writes(x)$$
DELIMITER ;
CREATE VIEW of_rows AS SELECT writes(a) AS x FROM t;
CREATE VIEW of_nothing AS SELECT calls(7) AS x;
CREATE ALGORITHM = TEMPTABLE VIEW of_groups AS SELECT DISTINCT MAX(writes(a)) AS x FROM t WHERE writes(1) = 1;
CREATE VIEW of_views AS SELECT * FROM of_nothing JOIN of_rows USING (x);
CREATE TABLE gone (a INT);
CREATE VIEW of_what_is_gone AS SELECT writes(a) AS x FROM gone;
DROP TABLE gone;
