-- Every table that holds something made from the log, those of rebuilds and as-of copies included; the log's own are looked through apart.
SELECT n.nspname::text AS schema, c.relname::text AS name
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind = 'r' AND (n.nspname IN ('public', 'projections', 'hooklake') OR n.nspname LIKE 'rebuild\_%' OR n.nspname LIKE 'as\_of\_%')
  AND c.relname NOT IN ('hooklake_migrations', 'installation')
ORDER BY 1, 2
