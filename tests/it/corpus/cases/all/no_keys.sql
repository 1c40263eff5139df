-- Tables without any key, with equal rows; without rows; with a unique key that takes NULL.
CREATE TABLE keyless (a INT, b VARCHAR(10));
INSERT INTO keyless VALUES (1, 'x'), (1, 'x'), (1, 'x'), (NULL, NULL), (NULL, NULL), (2, '');
CREATE TABLE empty_ (a INT);
CREATE TABLE empty_keyed (a INT PRIMARY KEY, b INT, UNIQUE KEY (b));
CREATE TABLE nullable (a INT, b INT, UNIQUE KEY ab (a, b));
INSERT INTO nullable VALUES (NULL, 1), (NULL, 1), (1, NULL), (1, NULL), (1, 1);
