-- JavaScript libraries and routines that use them, with text that looks like quotes and delimiters.
-- stock loses: the restored routine uses the libraries of the database that was dumped
CREATE LIBRARY z_lib LANGUAGE JAVASCRIPT AS $$ export function f(n) { return n + 1; } $$;
CREATE LIBRARY quoted COMMENT 'it''s \\' LANGUAGE JAVASCRIPT AS 'export const s = "it''s \\n";';
DELIMITER //
CREATE LIBRARY `odd ``"` LANGUAGE JAVASCRIPT AS $js$
// it's a "comment`; with $$ ;; in it
export function f() { return `x${1}`; }
$js$//
CREATE FUNCTION a_uses(n INT) RETURNS INT LANGUAGE JAVASCRIPT USING (z_lib AS l, quoted, `odd ``"` AS `a b`) AS $$ return l.f(n); /* it's */ $$//
CREATE PROCEDURE js_p(INOUT x VARCHAR(10)) LANGUAGE JAVASCRIPT COMMENT 'js' AS $x$ x = "'$$;"; // ' $x$//
SET sql_mode = 'ANSI_QUOTES,NO_BACKSLASH_ESCAPES'//
CREATE LIBRARY "in modes" COMMENT 'c:\' LANGUAGE JAVASCRIPT AS 'const s = "\";'//
