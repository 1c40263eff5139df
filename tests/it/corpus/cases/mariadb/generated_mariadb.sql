-- MariaDB's own words and kinds of generated columns and defaults.
CREATE TABLE t (a INT, p INT AS (a + 1) PERSISTENT, v INT GENERATED ALWAYS AS (a * 2) VIRTUAL INVISIBLE, d INT DEFAULT (a + 5), b BLOB DEFAULT 'x', e INT NOT NULL DEFAULT (1 + 1) INVISIBLE, u UUID DEFAULT UUID(), f VARCHAR(20) DEFAULT CONCAT('x', 'it''s'));
INSERT INTO t (a, u) VALUES (1, '123e4567-e89b-12d3-a456-426614174000'), (NULL, NULL);
CREATE TABLE dynamic_ (id INT, c BLOB);
INSERT INTO dynamic_ VALUES (1, COLUMN_CREATE('a', 1, 'b', 'x'));
