-- Collations of UCA 14, JSON with checks of its own, descending indexes, and functions of 11.
SET NAMES utf8mb4;
CREATE TABLE t (id INT PRIMARY KEY, a VARCHAR(20) COLLATE uca1400_german2_ai_ci, b VARCHAR(20) COLLATE utf8mb4_uca1400_nopad_as_cs, j JSON CHECK (JSON_SCHEMA_VALID('{"type": "object"}', j)), KEY d (a DESC, b));
INSERT INTO t (id, a, b, j) VALUES (1, 'ß', 'é', '{"a": 1}'), (2, NULL, '', NULL);
