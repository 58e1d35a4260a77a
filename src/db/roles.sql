-- Roles belong to the whole cluster and may be there already, made by another database's migration at this moment.
DO $$
BEGIN
    IF to_regrole('hooklake_app') IS NULL THEN
        CREATE ROLE hooklake_app NOLOGIN;
    END IF;
EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL;
END $$;

DO $$
BEGIN
    IF to_regrole('codegen_readonly') IS NULL THEN
        CREATE ROLE codegen_readonly LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOINHERIT;
    END IF;
EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL;
END $$;

DO $$
BEGIN
    IF NOT pg_has_role(current_user, 'hooklake_app', 'MEMBER') THEN
        EXECUTE format('GRANT hooklake_app TO %I', current_user);
    END IF;
EXCEPTION WHEN unique_violation OR internal_error THEN NULL;
END $$;

-- Who is no superuser must be a member of the readers' role to see what its sessions do, and to end them.
DO $$
BEGIN
    IF NOT pg_has_role(current_user, 'codegen_readonly', 'MEMBER') THEN
        EXECUTE format('GRANT codegen_readonly TO %I', current_user);
    END IF;
EXCEPTION WHEN unique_violation OR internal_error THEN NULL;
END $$;
