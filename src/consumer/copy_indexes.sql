-- How to make the indexes of the live table $1 that its copy in the schema $2 has not; they keep their names, which are
-- those of the schema.
SELECT i.indisunique AS is_unique,
       CASE WHEN k.oid IS NULL
            THEN replace(pg_get_indexdef(i.indexrelid), format(' ON projections.%I ', t.relname), format(' ON %I.%I ', $2::text, t.relname))
            ELSE format('ALTER TABLE %I.%I ADD CONSTRAINT %I %s', $2::text, t.relname, k.conname, pg_get_constraintdef(k.oid))
       END AS definition
FROM pg_index i
JOIN pg_class t ON t.oid = i.indrelid
JOIN pg_class x ON x.oid = i.indexrelid
LEFT JOIN pg_constraint k ON k.conindid = i.indexrelid AND k.conrelid = t.oid AND k.contype IN ('p', 'u')
WHERE t.relnamespace = 'projections'::regnamespace AND t.relname = $1
  AND NOT EXISTS (SELECT FROM pg_class made
                  WHERE made.relname = x.relname AND made.relkind = 'i' AND made.relnamespace = to_regnamespace($2))
ORDER BY x.relname
