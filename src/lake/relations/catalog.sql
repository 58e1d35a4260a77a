-- What codegen_readonly may read in public, with its columns, what each means, and the tables of projections beneath it:
-- the relations named in $1, or all of them when that is NULL. Those whose rows do not say whose they are belong to nobody
-- else only while every event of the log is of the tenant $2.
WITH RECURSIVE shown AS (
    SELECT c.oid, c.relname::text AS name, obj_description(c.oid, 'pg_class') AS comment
    FROM pg_catalog.pg_class c
    WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('v', 'm', 'r', 'p')
      AND has_table_privilege('codegen_readonly', c.oid, 'SELECT') AND ($1::text[] IS NULL OR c.relname = ANY ($1::text[]))),
beneath (oid, relation) AS (
    SELECT s.oid, s.oid FROM shown s
    UNION
    SELECT b.oid, d.refobjid
    FROM beneath b
    JOIN pg_catalog.pg_rewrite r ON r.ev_class = b.relation
    JOIN pg_catalog.pg_depend d ON d.classid = 'pg_catalog.pg_rewrite'::regclass AND d.objid = r.oid
                               AND d.refclassid = 'pg_catalog.pg_class'::regclass AND d.refobjid <> b.relation),
columns AS (
    SELECT s.oid, bool_or(a.attname = 'tenant') AS has_tenant, array_agg(a.attname::text ORDER BY a.attnum) AS names,
           array_agg(format_type(a.atttypid, NULL) ORDER BY a.attnum) AS types,
           array_agg(col_description(s.oid, a.attnum) ORDER BY a.attnum) AS comments
    FROM shown s JOIN pg_catalog.pg_attribute a ON a.attrelid = s.oid AND a.attnum > 0 AND NOT a.attisdropped
    GROUP BY s.oid)
SELECT s.name, s.comment, c.has_tenant, c.names, c.types, c.comments,
       ARRAY (SELECT DISTINCT t.relname::text FROM beneath b JOIN pg_catalog.pg_class t ON t.oid = b.relation
              WHERE b.oid = s.oid AND t.relkind = 'r' AND t.relnamespace = to_regnamespace('projections')) AS tables
FROM shown s JOIN columns c ON c.oid = s.oid
WHERE c.has_tenant OR (SELECT coalesce(min(k.tenant) = $2 AND max(k.tenant) = $2, true) FROM log.keys k)
ORDER BY s.name
