-- Values of partitions whose code shares its place in Unicode with another one: MariaDB prints the
-- character, which would become the other code.
-- refused: the partition 'p0' has a value in cp932 of which the server prints the character
CREATE TABLE exact (a VARCHAR(10) CHARACTER SET cp932) PARTITION BY LIST COLUMNS (a) (PARTITION p0 VALUES IN (_cp932 0x8754, 'x'), PARTITION p1 VALUES IN (_cp932 0x835C, NULL));
INSERT INTO exact VALUES (_cp932 0x8754), (_cp932 0x835C);
CREATE TABLE ends (a VARCHAR(10) CHARACTER SET cp932) PARTITION BY RANGE COLUMNS (a) (PARTITION p0 VALUES LESS THAN (_cp932 0x835C), PARTITION p1 VALUES LESS THAN (_cp932 0x8754), PARTITION p2 VALUES LESS THAN MAXVALUE);
INSERT INTO ends VALUES ('a'), (_cp932 0x8754), (_cp932 0xFA4A);
CREATE TABLE other (a VARCHAR(10) CHARACTER SET cp932) PARTITION BY LIST COLUMNS (a) (PARTITION p0 VALUES IN (_cp932 0xFA4A), PARTITION p1 VALUES IN ('x'));
INSERT INTO other VALUES (_cp932 0xFA4A);
