-- Who may still look at what was there before a transaction: retention asks before rows go, and a rebuild before its tables
-- take the place of others, since their rows are too young for older snapshots.

-- The oldest of those to whom the act has not happened; NULL when all know of it, as all new ones do. A snapshot is older
-- only if its horizon is at or before the act; that the converse does not hold costs a wait. Vacuum's count for nothing,
-- as it answers nobody; its processes have no user, which is seen where their kind is not. An act that is yet to come was that of a cluster which this one is a dump of.
CREATE FUNCTION hooklake.reader_older_than(act xid8) RETURNS text
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT s.who
    FROM (SELECT format('process %s of %s, in a transaction since %s,', a.pid, coalesce(a.usename::text, a.backend_type), a.xact_start), a.backend_xmin
          FROM pg_stat_activity a
          WHERE a.pid <> pg_backend_pid() AND a.backend_type IS DISTINCT FROM 'autovacuum worker'
            AND (a.backend_type IS NOT NULL OR a.usesysid IS NOT NULL)
            AND (a.datname IS NULL OR a.datname = current_database())
          UNION ALL
          SELECT format('a standby with the replication slot %s', p.slot_name), p.xmin FROM pg_replication_slots p) AS s (who, horizon)
    WHERE act < pg_snapshot_xmax(pg_current_snapshot()) AND age(s.horizon) >= age(act::xid)
    ORDER BY age(s.horizon) DESC LIMIT 1
$$;
COMMENT ON FUNCTION hooklake.reader_older_than IS 'Who may still look at what was there before a transaction; NULL when nobody does.';

CREATE OR REPLACE FUNCTION log.may_empty(partition_name text) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, log SET lock_timeout = '200ms' AS $$
DECLARE
    act xid8;
    refused text;
BEGIN
    PERFORM pg_advisory_xact_lock_shared(hashtext('log.holds'));
    SELECT r.retired_in INTO act FROM log.retired r WHERE r.partition = partition_name;
    IF NOT FOUND THEN
        RAISE EXCEPTION '% was not retired', partition_name;
    END IF;
    refused := log.held_partition(partition_name);
    IF refused IS NOT NULL THEN
        RAISE EXCEPTION USING ERRCODE = 'HL001', MESSAGE = refused;
    END IF;
    refused := hooklake.reader_older_than(act);
    IF refused IS NOT NULL THEN
        RAISE EXCEPTION USING ERRCODE = 'HL003', MESSAGE = format('%s is retired, and %s may still read it', partition_name, refused);
    END IF;
END $$;
