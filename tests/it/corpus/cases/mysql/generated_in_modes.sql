-- changed: table truncated,
-- warning: table `truncated`: the stored generated column `b` has been computed under other settings in 1 rows
-- warning: table `truncated`: the stored generated column `t` has been computed under other settings in 1 rows
-- changed: table padded,
-- warning: table `padded`: the stored generated column `l` has been computed under other settings in 1 rows
-- warning: table `padded`: the stored generated column `x` has been computed under other settings in 1 rows
-- warning: table `ciphered`: the stored generated column `e` has been computed under other settings in 1 rows
-- changed: table ciphered,
-- stock loses: the values are computed under the settings of the server, and nobody says so
-- Stored generated columns whose values depend on SQL modes and on the cipher.
SET sql_mode = 'PAD_CHAR_TO_FULL_LENGTH,NO_UNSIGNED_SUBTRACTION', block_encryption_mode = 'aes-256-ecb';
CREATE TABLE padded (id INT PRIMARY KEY, c CHAR(5), l INT AS (LENGTH(c)) STORED, x VARCHAR(9) AS (CONCAT(c, 'x')) STORED);
INSERT INTO padded (id, c) VALUES (1, 'ab'), (2, 'abcde');
CREATE TABLE ciphered (b VARBINARY(50), e VARBINARY(100) AS (AES_ENCRYPT(b, 'key')) STORED);
INSERT INTO ciphered (b) VALUES ('text');
SET sql_mode = 'TIME_TRUNCATE_FRACTIONAL';
CREATE TABLE truncated (id INT PRIMARY KEY, a VARCHAR(40), b DATETIME AS (CAST(a AS DATETIME)) STORED, t TIME(2) AS (a) STORED);
INSERT INTO truncated (id, a) VALUES (1, '2020-01-01 00:00:00.999'), (2, '2020-01-01 00:00:00.1');
