-- The columns of the live table $1, in their order, and which of them make its primary key.
SELECT a.attname::text AS name, coalesce(a.attnum = ANY (i.indkey::smallint[]), false) AS is_key
FROM pg_attribute a
JOIN pg_class t ON t.oid = a.attrelid AND t.relnamespace = 'projections'::regnamespace AND t.relname = $1
LEFT JOIN pg_index i ON i.indrelid = t.oid AND i.indisprimary
WHERE a.attnum > 0 AND NOT a.attisdropped
ORDER BY a.attnum
