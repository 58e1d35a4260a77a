-- The newest signed checkpoint.
SELECT size, note, extract(epoch FROM clock_timestamp() - made_at)::float8 AS age_seconds
FROM hooklake.checkpoints ORDER BY size DESC LIMIT 1
