-- Trailing blanks and zero bytes, empty against NULL, types of length zero.
CREATE TABLE texts (id INT PRIMARY KEY, c CHAR(5), v VARCHAR(10), b BINARY(5), vb VARBINARY(10), c0 CHAR(0), v0 VARCHAR(0), b0 BINARY(0), vb0 VARBINARY(0), t TEXT, bl BLOB);
INSERT INTO texts VALUES
  (1, '', '', '', '', '', '', '', '', '', ''),
  (2, 'a  ', 'a  ', 'a', 'a  ', '', '', '', '', 'a  ', 'a  '),
  (3, '  a', '  a', 0x6100000000, 0x610000, '', '', '', '', '\t\n', 0x00),
  (4, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL),
  (5, '\t', '\n', 0x0000000000, 0x00, NULL, '', NULL, '', '\0', 0x0000),
  (6, '   ', '   ', '   ', '   ', '', NULL, '', NULL, '   ', '   ');
CREATE TABLE no_pad (v VARCHAR(10) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin, UNIQUE KEY (v));
INSERT INTO no_pad VALUES ('a'), ('A'), ('a\t');
