-- The rows of a retired partition go only when nobody can still look at it as it was. TRUNCATE takes no account of
-- snapshots: a transaction older than the act, which looks at the partition for the first time afterwards, would find it
-- empty and not be told.

ALTER TABLE log.retired ADD COLUMN retired_in xid8 NOT NULL DEFAULT pg_current_xact_id();
COMMENT ON COLUMN log.retired.retired_in IS 'The transaction of the act; emptied is after every snapshot that is older has ended.';

DROP FUNCTION log.empty(text);

-- Refuses while a hold covers something in it, or a snapshot is left to which its retirement has not happened. New ones
-- all know of it. A snapshot is older only if its horizon is at or before the act; that the converse does not hold costs a
-- wait. Vacuum's count for nothing, as it answers nobody. An act that is yet to come was that of a cluster which this one
-- is a dump of.
CREATE FUNCTION log.may_empty(partition_name text) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, log SET lock_timeout = '200ms' AS $$
DECLARE
    refused text;
BEGIN
    PERFORM pg_advisory_xact_lock_shared(hashtext('log.holds'));
    PERFORM FROM log.retired r WHERE r.partition = partition_name;
    IF NOT FOUND THEN
        RAISE EXCEPTION '% was not retired', partition_name;
    END IF;
    refused := log.held_partition(partition_name);
    IF refused IS NOT NULL THEN
        RAISE EXCEPTION USING ERRCODE = 'HL001', MESSAGE = refused;
    END IF;
    SELECT format('%s is retired, and %s may still read it', partition_name, s.who) INTO refused
    FROM log.retired r
    CROSS JOIN LATERAL (
        SELECT format('process %s of %s, in a transaction since %s,', a.pid, coalesce(a.usename::text, a.backend_type), a.xact_start), a.backend_xmin
        FROM pg_stat_activity a
        WHERE a.pid <> pg_backend_pid() AND a.backend_type IS DISTINCT FROM 'autovacuum worker'
          AND (a.datname IS NULL OR a.datname = current_database())
        UNION ALL
        SELECT format('a standby with the replication slot %s', p.slot_name), p.xmin FROM pg_replication_slots p) AS s (who, horizon)
    WHERE r.partition = partition_name AND r.retired_in < pg_snapshot_xmax(pg_current_snapshot())
      AND age(s.horizon) >= age(r.retired_in::xid)
    ORDER BY age(s.horizon) DESC LIMIT 1;
    IF refused IS NOT NULL THEN
        RAISE EXCEPTION USING ERRCODE = 'HL003', MESSAGE = refused;
    END IF;
END $$;
COMMENT ON FUNCTION log.may_empty IS 'Refuses while the rows of a retired partition must stay: under a hold, or before a reader that does not know of its end.';
