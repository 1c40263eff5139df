-- ENUM and SET members, defaults and comments in character sets of every kind, also codes that
-- share their place in Unicode with another code.
-- stock loses: codes that share their place in Unicode with another one
SET NAMES utf8mb4;
SET sql_mode = '';
CREATE TABLE enums (id INT PRIMARY KEY,
  cp932_ ENUM(0x835C, 0xFA4A, 0x955C5C) CHARACTER SET cp932, sjis_ ENUM(0x835C, 0x8160) CHARACTER SET sjis,
  gbk_ ENUM(0xD05C, 0x8160) CHARACTER SET gbk, big5_ ENUM(0xA55C, 0xA145) CHARACTER SET big5,
  euckr_ ENUM(0xB0A1, 0xC7D1) CHARACTER SET euckr, ujis_ ENUM(0xC6FC, 0x8EB1) CHARACTER SET ujis,
  gb2312_ ENUM(0xC4E3, 'x') CHARACTER SET gb2312, eucjpms_ ENUM(0xADB5, 0x8EB1) CHARACTER SET eucjpms,
  utf16_ ENUM(0x65E5, 0xD83DDE00) CHARACTER SET utf16, utf16le_ ENUM(0xE565, 'x') CHARACTER SET utf16le,
  utf32_ ENUM(0x0001F600, 'x') CHARACTER SET utf32, ucs2_ ENUM(0x65E5, 'x') CHARACTER SET ucs2,
  latin1_ ENUM(0x80, 0xE9, 0x9C) CHARACTER SET latin1, greek_ ENUM(0xC1, 'x') CHARACTER SET greek,
  hp8_ ENUM(0xC5, 'x') CHARACTER SET hp8, swe7_ ENUM(0x5B, 0x7D) CHARACTER SET swe7,
  tis620_ ENUM(0xA1, 'x') CHARACTER SET tis620, koi8r_ SET(0xC1, 0xC2) CHARACTER SET koi8r,
  macroman_ SET(0x8E, 'x') CHARACTER SET macroman, sets_ SET(0x835C, 0xFA4A) CHARACTER SET cp932);
INSERT INTO enums VALUES (1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1), (2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2), (3, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 3, 0, 0, 0, 0, 3, 3, 3);
CREATE TABLE defaults (id INT PRIMARY KEY, a VARCHAR(5) CHARACTER SET cp932 DEFAULT _cp932 0xFA4A, b CHAR(5) CHARACTER SET sjis DEFAULT _sjis 0x835C COMMENT 'ソ', c VARCHAR(5) CHARACTER SET gbk DEFAULT _gbk 0xD05C, d VARCHAR(5) CHARACTER SET utf16 DEFAULT '日', e VARCHAR(5) CHARACTER SET utf32 DEFAULT '😀', f VARCHAR(5) CHARACTER SET latin1 DEFAULT '€', g VARCHAR(5) CHARACTER SET swe7 DEFAULT _swe7 0x5B, h VARCHAR(5) CHARACTER SET big5 DEFAULT _big5 0xA145, i SET(0x835C, 0xFA4A) CHARACTER SET cp932 DEFAULT _cp932 0xFA4A, j VARCHAR(5) CHARACTER SET ucs2 DEFAULT 'é?', k CHAR(5) CHARACTER SET eucjpms DEFAULT _eucjpms 0xADB5);
INSERT INTO defaults (id) VALUES (1);
