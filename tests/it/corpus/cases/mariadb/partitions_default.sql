-- Partitions that take what no other one takes; their values are text of several kinds.
SET NAMES utf8mb4;
CREATE TABLE by_list (a INT) PARTITION BY LIST (a) (PARTITION p0 VALUES IN (1, 2), PARTITION p1 DEFAULT);
INSERT INTO by_list VALUES (1), (9), (NULL);
CREATE TABLE by_columns (a VARCHAR(10) CHARACTER SET latin1, b DATE) PARTITION BY LIST COLUMNS (a, b) (PARTITION p0 VALUES IN (('é', '2020-01-01'), ('it''s', NULL)), PARTITION p1 DEFAULT);
INSERT INTO by_columns VALUES ('é', '2020-01-01'), ('it''s', NULL), ('x', NULL), (NULL, '2021-01-01');
CREATE TABLE first (a VARCHAR(10) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin) PARTITION BY LIST COLUMNS (a) SUBPARTITION BY KEY (a) SUBPARTITIONS 2 (PARTITION rest DEFAULT COMMENT = 'it''s é', PARTITION p0 VALUES IN ('日', '😀', NULL));
INSERT INTO first VALUES ('日'), ('😀'), (NULL), ('?'), ('x');
-- The word as a name, in the only partition.
CREATE TABLE alone (a INT) PARTITION BY LIST (a) (PARTITION `DEFAULT` DEFAULT);
INSERT INTO alone VALUES (5);
