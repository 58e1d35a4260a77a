-- What codegen_readonly can ask, and what each is.
SELECT c.relname::text AS name, obj_description(c.oid, 'pg_class') AS description
FROM pg_catalog.pg_class c
WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'v' AND has_table_privilege('codegen_readonly', c.oid, 'SELECT')
ORDER BY c.relname
