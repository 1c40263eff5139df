-- The name of a secondary engine, which the server prints without quotes, whatever is in it.
-- stock fails: they print it as it is
CREATE TABLE rapid (a INT) SECONDARY_ENGINE=RAPID;
CREATE TABLE reserved (a INT, b VARCHAR(9) COMMENT ' SECONDARY_ENGINE=x') SECONDARY_ENGINE=`select` COMMENT='c';
CREATE TABLE spaces (a INT) SECONDARY_ENGINE='x y' COMMENT='it''s';
CREATE TABLE quotes (a INT) SECONDARY_ENGINE='it''s \\ "so" `x`';
CREATE TABLE statements (a INT) SECONDARY_ENGINE='x; CREATE TABLE other (a INT); -- ';
INSERT INTO statements VALUES (1);
