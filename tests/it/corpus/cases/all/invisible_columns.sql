-- INVISIBLE columns in any position, generated ones too.
SET time_zone = '+00:00';
CREATE TABLE middle (a INT, b INT INVISIBLE, c INT);
INSERT INTO middle (a, b, c) VALUES (1, 2, 3), (4, NULL, 6);
CREATE TABLE first_ (id INT NOT NULL AUTO_INCREMENT PRIMARY KEY INVISIBLE, a VARCHAR(5) DEFAULT 'x' INVISIBLE, c INT);
INSERT INTO first_ (id, a, c) VALUES (7, 'y', 1), (9, NULL, 2);
INSERT INTO first_ (c) VALUES (3);
CREATE TABLE generated_ (c INT, v INT AS (c + 1) VIRTUAL INVISIBLE, s INT AS (c * 2) STORED INVISIBLE, t TIMESTAMP NOT NULL DEFAULT '2020-01-01 00:00:00' INVISIBLE COMMENT 'hidden');
INSERT INTO generated_ (c) VALUES (1), (2);
