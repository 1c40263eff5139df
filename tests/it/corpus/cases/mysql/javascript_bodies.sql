-- JavaScript routines whose bodies are written in every quote.
DELIMITER //
CREATE FUNCTION plain(a INT) RETURNS INT LANGUAGE JAVASCRIPT AS 'return a + 1; // it''s \\n'//
CREATE FUNCTION dollars(a VARCHAR(10)) RETURNS VARCHAR(20) DETERMINISTIC LANGUAGE JAVASCRIPT AS $body$ return "$$" + a + '`;;'; $body$//
CREATE PROCEDURE js_lines(OUT r INT) LANGUAGE JAVASCRIPT SQL SECURITY INVOKER COMMENT 'js''s' AS $$
  /* ; */
  r = 5;
$$//
