-- When hooklake last made a password for codegen_readonly, as it noted it with the role; NULL before the first.
SELECT pg_catalog.shobj_description(r.oid, 'pg_authid') AS note FROM pg_catalog.pg_roles r WHERE r.rolname = 'codegen_readonly'
