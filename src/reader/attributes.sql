-- The clauses of ALTER ROLE that make codegen_readonly what it must be, only those that are needed: whoever is no
-- superuser may not even name some of them. Empty when all is well. $1: connections at once.
SELECT concat_ws(' ',
           CASE WHEN NOT r.rolcanlogin THEN 'LOGIN' END,
           CASE WHEN r.rolsuper THEN 'NOSUPERUSER' END,
           CASE WHEN r.rolinherit THEN 'NOINHERIT' END,
           CASE WHEN r.rolcreaterole THEN 'NOCREATEROLE' END,
           CASE WHEN r.rolcreatedb THEN 'NOCREATEDB' END,
           CASE WHEN r.rolreplication THEN 'NOREPLICATION' END,
           CASE WHEN r.rolbypassrls THEN 'NOBYPASSRLS' END,
           CASE WHEN r.rolvaliduntil < 'infinity' THEN 'VALID UNTIL ''infinity''' END,
           CASE WHEN r.rolconnlimit <> $1::integer THEN format('CONNECTION LIMIT %s', $1::integer) END) AS clauses,
       -- Rights by membership, pg_read_server_files and the like among them: it must have none.
       (SELECT string_agg(quote_ident(g.rolname), ', ') FROM pg_catalog.pg_auth_members m
        JOIN pg_catalog.pg_roles g ON g.oid = m.roleid WHERE m.member = r.oid) AS groups
FROM pg_catalog.pg_roles r WHERE r.rolname = 'codegen_readonly'
