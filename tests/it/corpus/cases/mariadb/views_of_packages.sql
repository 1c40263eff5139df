-- databases: 1
-- warning on mariadb_10_11: calls a function of a package by the name of its database
-- Views that call functions of packages; the server prints them with three names.
CREATE DATABASE {{1}};
USE {{1}};
SET sql_mode = ORACLE;
DELIMITER //
CREATE PACKAGE tools AS FUNCTION seven() RETURN INT; END;
//
CREATE PACKAGE BODY tools AS FUNCTION seven() RETURN INT AS BEGIN RETURN 7; END; END;
//
DELIMITER ;
CREATE TABLE tools (seven INT);
CREATE VIEW of_package AS SELECT tools.seven() AS a, tools.seven AS b FROM tools;
SET sql_mode = DEFAULT;
CREATE VIEW of_view AS SELECT a, b FROM of_package;
