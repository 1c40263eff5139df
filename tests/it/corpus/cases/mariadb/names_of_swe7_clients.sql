-- charset: swe7
-- A function of a swe7 client whose name has the letter that has the code of the backtick: the server
-- prints it in the wrong place and cannot read it any more, nor run it.
-- refused: the server itself cannot read its definition
DELIMITER $$
CREATE FUNCTION `f``` () RETURNS INT DETERMINISTIC RETURN 1$$
DELIMITER ;
