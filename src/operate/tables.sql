-- The tables that are made from the log, with their indexes, from the catalogue alone: rows are PostgreSQL's own estimate.
SELECT c.relname::text AS name, pg_total_relation_size(c.oid) AS bytes, coalesce(s.n_live_tup, 0) AS rows
FROM pg_class c
LEFT JOIN pg_stat_all_tables s ON s.relid = c.oid
WHERE c.relnamespace = 'projections'::regnamespace AND c.relkind = 'r'
ORDER BY 1
