-- What the server under us is busy with. Sessions of other roles are hidden from the application's role, so it asks
-- through this function; it shows figures only.
CREATE FUNCTION hooklake.server_standing(
    OUT connections_active bigint, OUT connections_idle bigint, OUT connections_in_transaction bigint, OUT connections_max bigint,
    OUT oldest_transaction_seconds double precision, OUT transaction_id_age bigint, OUT prepared_transactions bigint
)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog AS $$
    SELECT count(*) FILTER (WHERE a.state = 'active'),
           count(*) FILTER (WHERE a.state = 'idle'),
           count(*) FILTER (WHERE a.state LIKE 'idle in transaction%'),
           current_setting('max_connections')::bigint,
           coalesce(extract(epoch FROM clock_timestamp() - min(a.xact_start)), 0)::double precision,
           (SELECT max(age(d.datfrozenxid))::bigint FROM pg_database d),
           (SELECT count(*) FROM pg_prepared_xacts)
    FROM pg_stat_activity a
    WHERE a.backend_type = 'client backend' AND a.pid <> pg_backend_pid()
$$;
COMMENT ON FUNCTION hooklake.server_standing IS 'Connections, the oldest transaction, and how far transaction ids are from wrapping around.';
