-- Text of one to four bytes a character, beyond the BMP, combining, and in three-byte utf8.
SET NAMES utf8mb4;
CREATE TABLE four (id INT PRIMARY KEY, t TEXT) CHARACTER SET utf8mb4;
INSERT INTO four VALUES (1, 'é'), (2, '日本語'), (3, '😀👩‍👩‍👧‍👦'), (4, 'éé'), (5, '﻿bom'), (6, '  '), (7, '𠜎𝔘𝔫𝔦'), (8, 'ﬁ ﬂ ﬀ'), (9, '￿￾'), (10, '􏿿');
CREATE TABLE three (id INT PRIMARY KEY, t TEXT) CHARACTER SET utf8mb3;
INSERT INTO three VALUES (1, 'é'), (2, '日本語'), (3, '￿'), (4, '﻿');
CREATE TABLE keyed (k VARCHAR(20) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin PRIMARY KEY);
INSERT INTO keyed VALUES ('é'), ('é'), ('E'), ('e'), ('ß'), ('ss'), ('😀');
