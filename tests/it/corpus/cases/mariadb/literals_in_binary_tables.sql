-- Literals beside columns of two and four bytes for each character, in tables whose own character set
-- is binary: the server prints them otherwise than it reads them, and each restore changes them again.
-- warning: `checked`
-- warning: `made`
-- changed: table checked
-- changed: table made
-- changed: column made.b, GENERATION_EXPRESSION
-- stock loses: the literals come back as others, and with them the values made of them
CREATE TABLE checked (a VARCHAR(9) CHARACTER SET utf16le, CHECK (a <> '"')) DEFAULT CHARSET=binary;
INSERT INTO checked VALUES ('x');
CREATE TABLE made (
  a VARCHAR(9) CHARACTER SET utf16le,
  b VARCHAR(20) CHARACTER SET utf16le AS (CONCAT(a, '"')) STORED
) DEFAULT CHARSET=binary;
INSERT INTO made (a) VALUES ('x');
-- Nothing is read otherwise here.
CREATE TABLE plain (a VARCHAR(9) CHARACTER SET latin1, CHECK (a <> 'é')) DEFAULT CHARSET=binary;
INSERT INTO plain VALUES ('x');
