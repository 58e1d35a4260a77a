-- Who may do what, stated whole at every start so that nothing granted by hand or left by an old version remains.

DO $$
DECLARE
    relation record;
BEGIN
    EXECUTE format('GRANT CREATE, TEMPORARY ON DATABASE %I TO hooklake_app', current_database());
    EXECUTE format('REVOKE TEMPORARY ON DATABASE %I FROM PUBLIC', current_database());
    EXECUTE format('GRANT CONNECT ON DATABASE %I TO codegen_readonly', current_database());

    GRANT USAGE, CREATE ON SCHEMA public, projections TO hooklake_app;
    REVOKE CREATE ON SCHEMA public FROM PUBLIC;

    -- What can be rebuilt belongs to the application: a rebuild swaps these tables, and points their views at the new
    -- ones. A view reads with the rights of its owner, which is how those who see it see payloads and not the log.
    FOR relation IN
        SELECT format('%I.%I', n.nspname, c.relname) AS name
        FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE n.nspname IN ('public', 'projections') AND c.relkind IN ('r', 'v', 'p') AND c.relname <> 'hooklake_migrations'
          AND c.relowner <> 'hooklake_app'::regrole
    LOOP
        EXECUTE format('ALTER TABLE %s OWNER TO hooklake_app', relation.name);
    END LOOP;
END $$;

-- The log: read it, and append through the one function.
GRANT USAGE ON SCHEMA log TO hooklake_app;
REVOKE ALL ON ALL TABLES IN SCHEMA log FROM hooklake_app;
GRANT SELECT ON ALL TABLES IN SCHEMA log TO hooklake_app;
REVOKE ALL ON ALL FUNCTIONS IN SCHEMA log FROM PUBLIC;
GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA log TO hooklake_app;
-- What destroys is the owner's alone (src/retention).
REVOKE EXECUTE ON FUNCTION log.redact(bigint[], bytea[]), log.redact_conflicts(bigint[]), log.retire(text, text[], integer),
    log.forget_keys(text, bigint, integer), log.empty(text) FROM hooklake_app;

GRANT USAGE ON SCHEMA hooklake TO hooklake_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA hooklake TO hooklake_app;

REVOKE ALL ON ALL TABLES IN SCHEMA projections FROM codegen_readonly;
GRANT USAGE ON SCHEMA public TO codegen_readonly;
GRANT SELECT ON ALL TABLES IN SCHEMA public TO codegen_readonly;
REVOKE ALL ON hooklake_migrations FROM codegen_readonly;
