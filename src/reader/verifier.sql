-- What the role's password is compared with, and when hooklake made it. Superusers only.
SELECT a.rolpassword AS verifier, pg_catalog.shobj_description(a.oid, 'pg_authid') AS note
FROM pg_catalog.pg_authid a WHERE a.rolname = 'codegen_readonly'
