-- What sessions of codegen_readonly begin with: in this database, and (which must be nothing) in all of them.
SELECT quote_ident(current_database()) AS database,
       (SELECT s.setconfig FROM pg_catalog.pg_db_role_setting s
        WHERE s.setrole = r.oid AND s.setdatabase = (SELECT d.oid FROM pg_catalog.pg_database d WHERE d.datname = current_database())) AS here,
       (SELECT s.setconfig FROM pg_catalog.pg_db_role_setting s WHERE s.setrole = r.oid AND s.setdatabase = 0) AS everywhere
FROM pg_catalog.pg_roles r WHERE r.rolname = 'codegen_readonly'
