-- lost: view of_a_text
-- lost: view not_versioned_any_more
-- warning: 1 rows of its history were left out
-- stock fails: the dump tools stop at a view whose time they cannot read
-- The server takes the text and cannot open the view any more, which its lists then call a base table.
CREATE TABLE t (id INT PRIMARY KEY) WITH SYSTEM VERSIONING;
CREATE TABLE u (id INT PRIMARY KEY) WITH SYSTEM VERSIONING;
INSERT INTO t VALUES (1), (2);
DELETE FROM t WHERE id = 2;
CREATE VIEW of_a_literal AS SELECT id FROM t FOR SYSTEM_TIME AS OF TIMESTAMP'2030-01-01 00:00:00';
CREATE VIEW of_yesterday AS SELECT id FROM t FOR SYSTEM_TIME AS OF NOW() - INTERVAL 1 DAY;
CREATE VIEW of_all AS SELECT id FROM t FOR SYSTEM_TIME ALL WHERE id > 0;
CREATE VIEW of_a_text AS SELECT id FROM t FOR SYSTEM_TIME AS OF '2020-01-01';
CREATE VIEW not_versioned_any_more AS SELECT id FROM u FOR SYSTEM_TIME ALL;
ALTER TABLE u DROP SYSTEM VERSIONING;
