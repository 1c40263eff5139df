-- Comments of every form inside bodies, at their start and at their end.
-- stock fails on mysql: mysqldump puts its delimiter behind the comment at the end of a body
DELIMITER //
CREATE PROCEDURE p1() /* before */ BEGIN /* inside */ SELECT 1; -- line
# hash
SELECT 2; /* multi
line; with ; */ /**/ /*** ***/ /* ' */ -- "
END /* after */ //
CREATE PROCEDURE p2() SELECT /*! 1 + */ 1 /*!50000 + 1 */ /*!99999 + 'not' */ -- end//
//
CREATE PROCEDURE p3() SELECT '/*', '*/', '--', '#', "/* ' */"  --
;//
CREATE FUNCTION f1() RETURNS INT DETERMINISTIC RETURN 1 /* last */ //
CREATE FUNCTION f2() RETURNS INT DETERMINISTIC RETURN 1 -- last
//
CREATE PROCEDURE p4()   BEGIN	SELECT 1--1;  END//
