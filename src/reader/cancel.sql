-- Cancels the statement of session $1, unless it began less than $2 milliseconds ago and so is another one by now.
SELECT pg_cancel_backend(a.pid) FROM pg_catalog.pg_stat_activity a
WHERE a.pid = $1 AND a.usename = 'codegen_readonly' AND a.datname = current_database()
  AND a.query_start < clock_timestamp() - $2::bigint * interval '1 millisecond'
