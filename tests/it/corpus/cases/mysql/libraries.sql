-- JavaScript libraries and routines, as far as a server without the component keeps them.
CREATE LIBRARY lib LANGUAGE JAVASCRIPT AS $$ export function f(n) { return n + 1; } $$;
