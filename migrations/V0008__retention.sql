-- How what the log holds can go again, and only so: bodies are redacted, whole partitions are retired, and a legal hold
-- stops both (docs/retention.md, decision 0009). The chain commits to body_hash, which stays, so it verifies after
-- either. None of these functions is granted to hooklake_app: they run as the owner, on a connection of their own, in the
-- transaction that also appends the act to the log.
--
-- SQLSTATEs of our own, which src/retention/error.rs reads: HL001 under a legal hold, HL002 one of hooklake's own
-- records, HL003 still needed by a consumer, HL004 too young.

CREATE TABLE log.holds (
    id            uuid        PRIMARY KEY DEFAULT gen_random_uuid(),
    reason        text        NOT NULL CHECK (reason <> ''),
    placed_by     text        NOT NULL,
    placed_at     timestamptz NOT NULL DEFAULT clock_timestamp(),
    -- What it covers: an envelope to which everything given here applies.
    tenant        text,
    source        text,
    from_position bigint,
    to_position   bigint,
    released_by   text,
    released_at   timestamptz
);
COMMENT ON TABLE log.holds IS 'Legal holds: while one is not released, nothing that it covers can be redacted, erased or dropped.';

CREATE TABLE log.retired (
    partition        text        PRIMARY KEY,
    first_position   bigint      NOT NULL,
    through_position bigint      NOT NULL,
    received_from    timestamptz NOT NULL,
    received_until   timestamptz NOT NULL,
    retired_at       timestamptz NOT NULL DEFAULT clock_timestamp(),
    -- When its rows were really gone; NULL while they wait for readers to end.
    emptied_at       timestamptz,
    -- hooklake's own records, which stay.
    kept             bigint
);
COMMENT ON TABLE log.retired IS 'Partitions of the log whose time was up: of these positions only hooklake''s own records remain.';

-- The first hold that covers one of these envelopes, as text for an error; NULL when there is none.
CREATE FUNCTION log.held(positions bigint[]) RETURNS text
LANGUAGE sql STABLE SET search_path = pg_catalog, log AS $$
    SELECT format('position %s is under the legal hold %s (%s)', e.position, h.id, h.reason)
    FROM log.envelopes e
    JOIN log.holds h ON h.released_at IS NULL
     AND (h.tenant IS NULL OR h.tenant = e.tenant) AND (h.source IS NULL OR h.source = e.source)
     AND (h.from_position IS NULL OR h.from_position <= e.position) AND (h.to_position IS NULL OR h.to_position >= e.position)
    WHERE e.position = ANY (positions)
    ORDER BY e.position LIMIT 1
$$;

-- Destroys the salts and bodies of these envelopes, and the other bodies that came under their keys. bodies[i] is what
-- remains of the body of positions[i]; NULL for nothing. All or none. The rows of `done` say what there was before.
CREATE FUNCTION log.redact(positions bigint[], bodies bytea[])
RETURNS TABLE (log_position bigint, event_id uuid, bytes_before integer, conflicts bigint)
LANGUAGE plpgsql SET search_path = pg_catalog, log SET lock_timeout = '200ms' AS $$
#variable_conflict use_column
DECLARE
    refused text;
BEGIN
    -- A hold that is placed at this moment waits for us, or is seen.
    PERFORM pg_advisory_xact_lock_shared(hashtext('log.holds'));
    refused := log.held(positions);
    IF refused IS NOT NULL THEN
        RAISE EXCEPTION USING ERRCODE = 'HL001', MESSAGE = refused;
    END IF;
    SELECT format('position %s is a record of hooklake''s own', e.position) INTO refused
    FROM log.envelopes e WHERE e.position = ANY (positions) AND e.source = 'hooklake' LIMIT 1;
    IF refused IS NOT NULL THEN
        RAISE EXCEPTION USING ERRCODE = 'HL002', MESSAGE = refused;
    END IF;
    RETURN QUERY
    WITH wanted AS (
        SELECT u.position, u.body FROM unnest(positions, bodies) AS u (position, body)),
    before AS (
        SELECT e.position, e.received_at, e.id, e.body_bytes, w.body
        FROM wanted w JOIN log.envelopes e ON e.position = w.position
        FOR UPDATE OF e),
    redacted AS (
        UPDATE log.envelopes e
        SET body = b.body, body_bytes = coalesce(octet_length(b.body), 0), salt = NULL,
            flags = CASE WHEN 'redacted' = ANY (e.flags) THEN e.flags ELSE e.flags || ARRAY['redacted'] END
        FROM before b WHERE e.position = b.position AND e.received_at = b.received_at
        RETURNING e.position),
    others AS (
        UPDATE log.redeliveries r SET body = NULL
        FROM before b WHERE r.id = b.id AND r.body IS NOT NULL
        RETURNING r.id)
    SELECT b.position, b.id, b.body_bytes, (SELECT count(*) FROM others o WHERE o.id = b.id)
    FROM before b JOIN redacted USING (position) ORDER BY b.position;
    -- What a consumer could not take may be quoted in its reason.
    UPDATE hooklake.parked SET reason = 'the event was redacted since' WHERE position = ANY (positions);
END $$;
COMMENT ON FUNCTION log.redact IS 'Destroys bodies and salts; the chain stays whole, as it commits to body_hash.';

-- Destroys only the other bodies that came under the keys of these envelopes.
CREATE FUNCTION log.redact_conflicts(positions bigint[]) RETURNS bigint
LANGUAGE plpgsql SET search_path = pg_catalog, log SET lock_timeout = '200ms' AS $$
DECLARE
    refused text;
    cleared bigint;
BEGIN
    PERFORM pg_advisory_xact_lock_shared(hashtext('log.holds'));
    refused := log.held(positions);
    IF refused IS NOT NULL THEN
        RAISE EXCEPTION USING ERRCODE = 'HL001', MESSAGE = refused;
    END IF;
    UPDATE log.redeliveries r SET body = NULL
    WHERE r.body IS NOT NULL AND r.id IN (SELECT e.id FROM log.envelopes e WHERE e.position = ANY (positions));
    GET DIAGNOSTICS cleared = ROW_COUNT;
    RETURN cleared;
END $$;

-- The partitions of the log, oldest first, with the times that they hold.
CREATE VIEW log.partitions AS
SELECT c.relname::text AS name, bounds[1]::timestamptz AS received_from, bounds[2]::timestamptz AS received_until,
       pg_total_relation_size(c.oid) AS bytes, i.inhdetachpending AS is_detaching, r.retired_at, r.emptied_at
FROM pg_inherits i
JOIN pg_class c ON c.oid = i.inhrelid
CROSS JOIN LATERAL regexp_match(pg_get_expr(c.relpartbound, c.oid), '\(''([^'']+)''\) TO \(''([^'']+)''\)') AS bounds
LEFT JOIN log.retired r ON r.partition = c.relname
WHERE i.inhparent = 'log.envelopes'::regclass
ORDER BY 2;

-- Notes that a partition's time is up. From the act on, which the caller appends in the same transaction, everything that
-- follows the log forgets these positions; log.empty then takes the rows away. Refuses what is held, what one of these
-- consumers has not seen, and what a sender may still deliver again.
CREATE FUNCTION log.retire(partition_name text, consumers text[], redelivery_days integer)
RETURNS TABLE (first_position bigint, through_position bigint)
LANGUAGE plpgsql SET search_path = pg_catalog, log SET lock_timeout = '200ms' AS $$
#variable_conflict use_column
DECLARE
    part    log.partitions;
    first   bigint;
    last    bigint;
    refused text;
BEGIN
    PERFORM pg_advisory_xact_lock_shared(hashtext('log.holds'));
    SELECT * INTO STRICT part FROM log.partitions p WHERE p.name = partition_name;
    IF part.received_until + make_interval(days => redelivery_days) > clock_timestamp() THEN
        RAISE EXCEPTION USING ERRCODE = 'HL004', MESSAGE =
            format('%s ends less than %s days ago, and its deliveries may come again', partition_name, redelivery_days);
    END IF;
    EXECUTE format('SELECT min(position), max(position) FROM log.%I', partition_name) INTO first, last;
    IF last IS NULL THEN
        RETURN;
    END IF;
    refused := log.held_partition(partition_name);
    IF refused IS NOT NULL THEN
        RAISE EXCEPTION USING ERRCODE = 'HL001', MESSAGE = refused;
    END IF;
    SELECT format('%s stands at position %s and has not seen all of %s', c.name, c.position, partition_name) INTO refused
    FROM hooklake.consumers c
    WHERE c.position < last AND (c.name = ANY (consumers) OR (c.name LIKE '%@rebuild' AND c.lease_until > clock_timestamp()))
    ORDER BY c.position LIMIT 1;
    IF refused IS NOT NULL THEN
        RAISE EXCEPTION USING ERRCODE = 'HL003', MESSAGE = refused;
    END IF;
    INSERT INTO log.retired (partition, first_position, through_position, received_from, received_until)
    VALUES (partition_name, first, last, part.received_from, part.received_until);
    RETURN QUERY SELECT first, last;
END $$;

-- The first hold that covers anything in a partition but hooklake's own records, as text for an error.
CREATE FUNCTION log.held_partition(partition_name text) RETURNS text
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, log AS $$
DECLARE
    hold  record;
    found bigint;
BEGIN
    FOR hold IN SELECT * FROM log.holds h WHERE h.released_at IS NULL ORDER BY h.placed_at LOOP
        EXECUTE format('SELECT e.position FROM log.%I e WHERE ($1 IS NULL OR e.tenant = $1) AND ($2 IS NULL OR e.source = $2)
                        AND ($3 IS NULL OR e.position >= $3) AND ($4 IS NULL OR e.position <= $4) AND e.source <> ''hooklake'' LIMIT 1', partition_name)
        INTO found USING hold.tenant, hold.source, hold.from_position, hold.to_position;
        IF found IS NOT NULL THEN
            RETURN format('%s has position %s, which is under the legal hold %s (%s)', partition_name, found, hold.id, hold.reason);
        END IF;
    END LOOP;
    RETURN NULL;
END $$;

-- Takes away up to so many of the keys and redeliveries of a partition after a position; returns the position that was
-- reached, NULL at the end. In small steps, so that no append waits for a key.
CREATE FUNCTION log.forget_keys(partition_name text, after bigint, at_most integer) RETURNS bigint
LANGUAGE plpgsql SET search_path = pg_catalog, log SET lock_timeout = '200ms' AS $$
DECLARE
    ids     uuid[];
    reached bigint;
BEGIN
    EXECUTE format('SELECT array_agg(s.id) FILTER (WHERE s.source <> ''hooklake''), max(s.position)
                    FROM (SELECT e.id, e.source, e.position FROM log.%I e WHERE e.position > $1 ORDER BY e.position LIMIT $2) s', partition_name)
    INTO ids, reached USING after, at_most;
    IF ids IS NOT NULL THEN
        EXECUTE format('DELETE FROM log.keys k USING log.%I e
                        WHERE e.position > $1 AND e.position <= $2 AND e.source <> ''hooklake''
                          AND (k.tenant, k.source, k.delivery_key) = (e.tenant, e.source, e.delivery_key) AND k.id = e.id', partition_name)
        USING after, reached;
        DELETE FROM log.redeliveries r WHERE r.id = ANY (ids);
    END IF;
    RETURN reached;
END $$;

-- Takes the rows of a retired partition away, but for hooklake's own records. It locks this one partition, no other and
-- not the log: appends go on. Gives up soon when readers hold it, for the caller to try again.
CREATE FUNCTION log.empty(partition_name text) RETURNS bigint
LANGUAGE plpgsql SET search_path = pg_catalog, log SET lock_timeout = '50ms' AS $$
DECLARE
    refused text;
    remain  bigint;
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
    EXECUTE format('CREATE TEMPORARY TABLE hooklake_kept ON COMMIT DROP AS SELECT * FROM log.%I WHERE source = ''hooklake''', partition_name);
    EXECUTE format('TRUNCATE log.%I', partition_name);
    EXECUTE format('INSERT INTO log.%I SELECT * FROM pg_temp.hooklake_kept', partition_name);
    GET DIAGNOSTICS remain = ROW_COUNT;
    UPDATE log.retired SET emptied_at = clock_timestamp(), kept = remain WHERE partition = partition_name;
    RETURN remain;
END $$;
COMMENT ON FUNCTION log.empty IS 'Takes away the rows of a retired partition; a partition in which nothing is kept is then detached and dropped.';

-- Which event named a Linear team: so that a team is known for as long as an event that names it is.
CREATE TABLE linear_team_mentions (
    "position" bigint PRIMARY KEY,
    tenant     text   NOT NULL,
    team_key   text   NOT NULL,
    team_name  text
);
CREATE INDEX linear_team_mentions_team ON linear_team_mentions (tenant, team_key, "position");
COMMENT ON TABLE linear_team_mentions IS 'Which event named which Linear team; linear_teams has each team once.';
COMMENT ON COLUMN linear_team_mentions.team_key IS 'What stands before the number in an issue''s identifier.';
