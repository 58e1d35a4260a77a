-- Ends session $1, if it still is one of codegen_readonly. A statement can catch that it is cancelled, but not this.
SELECT pg_terminate_backend(a.pid) FROM pg_catalog.pg_stat_activity a
WHERE a.pid = $1 AND a.usename = 'codegen_readonly' AND a.datname = current_database()
