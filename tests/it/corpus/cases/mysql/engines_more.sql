-- The engines that only MySQL has here: ARCHIVE; BLACKHOLE, which has no rows.
CREATE TABLE archive_ (a INT NOT NULL AUTO_INCREMENT, b BLOB, KEY (a)) ENGINE=ARCHIVE;
INSERT INTO archive_ VALUES (1, 'x'), (5, REPEAT('y', 1000)), (6, NULL);
CREATE TABLE blackhole_ (a INT PRIMARY KEY, b TEXT) ENGINE=BLACKHOLE;
INSERT INTO blackhole_ VALUES (1, 'gone');
