-- Who may do what, stated whole at every start so that nothing granted by hand or left by an old version remains.

DO $$
DECLARE
    relation record;
BEGIN
    EXECUTE format('GRANT CREATE, TEMPORARY ON DATABASE %I TO hooklake_app', current_database());
    EXECUTE format('REVOKE TEMPORARY ON DATABASE %I FROM PUBLIC', current_database());
    EXECUTE format('REVOKE ALL ON DATABASE %I FROM codegen_readonly', current_database());
    -- A payload's plan names every partition of the log, which looks dear, and each would be compiled: 15 s for a question
    -- of 0.4 s over two years of weeks. Only the one that has the row is ever read.
    EXECUTE format('ALTER DATABASE %I SET jit = off', current_database());
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
    log.forget_keys(text, bigint, integer), log.may_empty(text) FROM hooklake_app;

GRANT USAGE ON SCHEMA hooklake TO hooklake_app;
REVOKE ALL ON FUNCTION hooklake.reader_older_than(xid8) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION hooklake.reader_older_than(xid8) TO hooklake_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA hooklake TO hooklake_app;

-- The readers' role: views, and nothing else. Copies that a person asked for (as_of_…) carry grants of their own.
REVOKE ALL ON ALL TABLES IN SCHEMA public, projections, log, hooklake FROM codegen_readonly;
REVOKE ALL ON ALL SEQUENCES IN SCHEMA public, projections, log, hooklake FROM codegen_readonly;
REVOKE ALL ON ALL FUNCTIONS IN SCHEMA public, projections, log, hooklake FROM codegen_readonly;
REVOKE ALL ON SCHEMA public, projections, log, hooklake FROM codegen_readonly;
GRANT USAGE ON SCHEMA public TO codegen_readonly;
DO $$
DECLARE
    shown record;
BEGIN
    FOR shown IN SELECT c.oid::regclass AS name FROM pg_class c WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'v' LOOP
        EXECUTE format('GRANT SELECT ON %s TO codegen_readonly', shown.name);
    END LOOP;
END $$;

-- Read-only transactions are a default that every session may change, and PostgreSQL lets everybody call functions that
-- write or hold others up all the same (RELIABILITY S6): large objects, locks that this system's own work waits for,
-- WAL of any size, settings hidden in a SELECT, other sessions' ends. They are the application's. So is plpgsql: code of
-- a reader's own could catch that it is cancelled. What belongs to another user stays as it is; who may grant, grants.
DO $$
DECLARE
    callable record;
BEGIN
    FOR callable IN
        SELECT p.oid::regprocedure AS name
        FROM pg_proc p
        WHERE p.pronamespace = 'pg_catalog'::regnamespace AND pg_has_role(p.proowner, 'USAGE')
          AND (p.proname ~ '^(lo_|pg_advisory_|pg_try_advisory_)' OR p.proname IN (
               'loread', 'lowrite', 'set_config', 'pg_notify', 'pg_logical_emit_message', 'pg_cancel_backend', 'pg_terminate_backend',
               'pg_export_snapshot', 'pg_import_system_collations', 'pg_switch_wal', 'pg_create_restore_point',
               'pg_create_logical_replication_slot', 'pg_create_physical_replication_slot', 'pg_drop_replication_slot',
               'pg_replication_slot_advance', 'pg_stat_reset', 'pg_stat_reset_shared', 'pg_reload_conf', 'pg_rotate_logfile'))
          AND has_function_privilege('codegen_readonly', p.oid, 'EXECUTE')
    LOOP
        EXECUTE format('GRANT EXECUTE ON FUNCTION %s TO hooklake_app', callable.name);
        EXECUTE format('REVOKE EXECUTE ON FUNCTION %s FROM PUBLIC, codegen_readonly', callable.name);
    END LOOP;
    FOR callable IN
        SELECT quote_ident(l.lanname) AS name FROM pg_language l
        WHERE l.lanispl AND l.lanname <> 'sql' AND pg_has_role(l.lanowner, 'USAGE') AND has_language_privilege('codegen_readonly', l.oid, 'USAGE')
    LOOP
        EXECUTE format('GRANT USAGE ON LANGUAGE %s TO hooklake_app', callable.name);
        EXECUTE format('REVOKE USAGE ON LANGUAGE %s FROM PUBLIC, codegen_readonly', callable.name);
    END LOOP;
END $$;
