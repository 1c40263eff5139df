-- stock fails: rows that are older than a constraint are refused by it
-- CHECK constraints of columns and tables, named and not, and rows that are older than they are.
CREATE TABLE t (a INT CHECK (a > 0), b VARCHAR(50) CHECK (b <> 'it''s "x" \\'), CONSTRAINT `na``me` CHECK (a < 100), CHECK (b LIKE '%é%' OR 1), j JSON, k LONGTEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin CHECK (JSON_VALID(k)));
SET check_constraint_checks = 0;
INSERT INTO t VALUES (-5, 'it''s "x" \\', NULL, 'not json'), (500, NULL, '[1]', '{}');
