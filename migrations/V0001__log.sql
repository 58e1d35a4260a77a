-- The log: one immutable row for every authentic delivery, in the order in which it was committed.
-- Decisions D1 and D3 to D7 of docs/architecture.md are all in this file. Nothing here is ever updated but the
-- head; the application's role may not, and reaches the tables' writing side only through log.append.

CREATE SCHEMA log;
COMMENT ON SCHEMA log IS 'The truth: raw envelopes, their order and what makes them unique. Append only.';

-- The one row that every append locks: it makes positions gapless and commit order equal to position order.
CREATE TABLE log.head (
    only_row    boolean     PRIMARY KEY DEFAULT true CHECK (only_row),
    "position"  bigint      NOT NULL,
    received_at timestamptz NOT NULL,
    chain       bytea       NOT NULL
);
COMMENT ON TABLE log.head IS 'The last position given out, its time, and the chain hash through it.';
INSERT INTO log.head VALUES (true, 0, '-infinity', sha256('hooklake log 1'));

CREATE TABLE log.envelopes (
    "position"   bigint      NOT NULL,
    received_at  timestamptz NOT NULL,
    id           uuid        NOT NULL,
    tenant       text        NOT NULL,
    source       text        NOT NULL,
    delivery_key text        NOT NULL,
    event_type   text        NOT NULL,
    arrived_at   timestamptz NOT NULL,
    headers      json        NOT NULL,
    body         bytea       COMPRESSION lz4,
    body_bytes   integer     NOT NULL,
    -- What the chain commits to instead of the body, so that erasing body and salt leaves the chain intact.
    salt         bytea,
    body_hash    bytea       NOT NULL,
    verdict      text        NOT NULL,
    secret_id    text,
    flags        text[]      NOT NULL,
    format       smallint    NOT NULL DEFAULT 1,
    PRIMARY KEY ("position", received_at)
) PARTITION BY RANGE (received_at);
CREATE INDEX envelopes_id ON log.envelopes (id);
COMMENT ON TABLE log.envelopes IS 'Every authentic delivery, byte for byte. Partitioned by week of received_at.';
COMMENT ON COLUMN log.envelopes.headers IS 'Kept headers as [[name, value], …] in the order in which they came.';
COMMENT ON COLUMN log.envelopes.body IS 'The body as received; NULL once redacted.';
COMMENT ON COLUMN log.envelopes.body_hash IS 'sha256(salt || body).';

-- One row per batch of appends: chain = sha256(chain before || first position || received_at || leaves in order).
CREATE TABLE log.batches (
    through_position bigint      PRIMARY KEY,
    first_position   bigint      NOT NULL,
    received_at      timestamptz NOT NULL,
    chain            bytea       NOT NULL
);
COMMENT ON TABLE log.batches IS 'The chain hash after each batch; hooklake verify recomputes it from log.envelopes.';

-- A unique index on a partitioned table would have to contain its partition key, so uniqueness lives here.
CREATE TABLE log.keys (
    tenant        text   NOT NULL,
    source        text   NOT NULL,
    delivery_key  text   NOT NULL CHECK (octet_length(delivery_key) <= 256),
    id            uuid   NOT NULL,
    -- First eight bytes of the provider's signature: the same signed body under another key is a replay.
    signature_tag bigint,
    PRIMARY KEY (tenant, source, delivery_key)
);
CREATE INDEX keys_signature_tag ON log.keys (signature_tag) WHERE signature_tag IS NOT NULL;
COMMENT ON TABLE log.keys IS 'What makes a delivery the same delivery: written in the same transaction as its envelope.';

CREATE TABLE log.redeliveries (
    id           uuid        NOT NULL,
    tenant       text        NOT NULL,
    source       text        NOT NULL,
    delivery_key text        NOT NULL,
    received_at  timestamptz NOT NULL DEFAULT clock_timestamp(),
    arrived_at   timestamptz NOT NULL,
    outcome      text        NOT NULL CHECK (outcome IN ('duplicate', 'conflict')),
    headers      json        NOT NULL,
    body         bytea       COMPRESSION lz4
);
CREATE INDEX redeliveries_id ON log.redeliveries (id);
COMMENT ON TABLE log.redeliveries IS 'Deliveries that came again. A conflict (same key, other body) keeps its body; the first delivery is the one in the log.';

-- Makes partitions for the weeks from now on, so that an append never meets a week without one. A partition is
-- attached rather than created in place: that does not stop writers (RELIABILITY P8, P9).
CREATE FUNCTION log.ensure_partitions(weeks_ahead integer) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, log SET lock_timeout = '200ms' SET timezone = 'UTC' AS $$
DECLARE
    week timestamptz;
    name text;
    made integer := 0;
BEGIN
    -- One maker at a time; the others find the work done.
    PERFORM pg_advisory_xact_lock(hashtext('log.ensure_partitions'));
    FOR i IN 0 .. weeks_ahead LOOP
        week := date_trunc('week', clock_timestamp()) + i * interval '1 week';
        name := 'envelopes_' || to_char(week, 'IYYY"w"IW');
        CONTINUE WHEN to_regclass('log.' || name) IS NOT NULL;
        EXECUTE format('CREATE TABLE log.%I (LIKE log.envelopes INCLUDING DEFAULTS INCLUDING CONSTRAINTS INCLUDING STORAGE INCLUDING COMPRESSION)', name);
        EXECUTE format('ALTER TABLE log.%I SET (autovacuum_freeze_min_age = 0)', name);
        EXECUTE format('ALTER TABLE log.envelopes ATTACH PARTITION log.%I FOR VALUES FROM (%L) TO (%L)', name, week, week + interval '1 week');
        made := made + 1;
    END LOOP;
    RETURN made;
END $$;
COMMENT ON FUNCTION log.ensure_partitions IS 'Makes the partitions for this week and as many weeks ahead; returns how many were missing.';

SELECT log.ensure_partitions(4);

-- Appends a batch in one round trip. Arrays of equal length describe the deliveries; the answer has one row for each.
--   accepted   it is in the log now, at this position
--   duplicate  the key is known, with the same body: id and position are those of the first
--   conflict   the key is known, with another body: as above; the other body is kept in log.redeliveries
-- Calling it again with the same ids after an unknown outcome is safe: what the first call committed is answered as
-- accepted again.
CREATE FUNCTION log.append(
    ids uuid[], tenants text[], sources text[], delivery_keys text[], signature_tags bigint[], event_types text[],
    arrived timestamptz[], header_lists text[], bodies bytea[], salts bytea[], body_hashes bytea[], leaves bytea[],
    verdicts text[], secret_ids text[], flag_lists text[]
) RETURNS TABLE (ordinal integer, outcome text, event_id uuid, log_position bigint, log_received_at timestamptz)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, log
-- Plans are kept per connection, and the first are made while log.keys is empty: a scan of it would stay for ever.
SET enable_seqscan = off
-- The one-row tables still are scanned, at the forbidding price that the line above puts on it, which would call in the
-- compiler.
SET jit = off AS $$
#variable_conflict use_column
DECLARE
    fresh      uuid[];
    all_fresh  boolean;
    -- For each delivery its place among the fresh ones; NULL for one that came before.
    places     bigint[];
    -- Fresh ones whose signed body stands in the log, or earlier in this batch, under another key.
    replays    uuid[];
    head       log.head;
    moment     timestamptz;
    last       bigint;
BEGIN
    -- Ordered, so that two batches with the same keys wait for each other instead of deadlocking.
    WITH claimed AS (
        INSERT INTO log.keys (tenant, source, delivery_key, id, signature_tag)
        SELECT u.tenant, u.source, u.delivery_key, u.id, u.tag
        FROM unnest(ids, tenants, sources, delivery_keys, signature_tags) WITH ORDINALITY AS u (id, tenant, source, delivery_key, tag, n)
        ORDER BY u.tenant, u.source, u.delivery_key, u.n
        ON CONFLICT DO NOTHING
        RETURNING id)
    SELECT coalesce(array_agg(id), '{}') INTO fresh FROM claimed;
    all_fresh := cardinality(fresh) = cardinality(ids);

    IF cardinality(fresh) > 0 THEN
        SELECT array_agg(p.place ORDER BY p.n) INTO places
        FROM (SELECT u.n, CASE WHEN u.is_fresh THEN count(*) FILTER (WHERE u.is_fresh) OVER (ORDER BY u.n) END AS place
              FROM (SELECT i.n, all_fresh OR i.id = ANY (fresh) AS is_fresh
                    FROM unnest(ids) WITH ORDINALITY AS i (id, n)) AS u) AS p;

        -- Taken last and held until COMMIT: positions are given out in the order in which they become visible.
        SELECT * INTO head FROM log.head FOR UPDATE;
        moment := greatest(clock_timestamp(), head.received_at);

        -- Under the lock, so that of two batches with the same body the later one sees the earlier.
        SELECT array_agg(u.id) INTO replays
        FROM (SELECT i.id, i.tenant, i.source, i.tag, row_number() OVER (PARTITION BY i.tenant, i.source, i.tag ORDER BY i.place) AS turn
              FROM unnest(ids, tenants, sources, signature_tags, places) AS i (id, tenant, source, tag, place)
              WHERE i.tag IS NOT NULL AND i.place IS NOT NULL) AS u
        WHERE u.turn > 1
           -- OFFSET 0 keeps the planner from the primary key, of which it would read every row of the source.
           OR EXISTS (SELECT FROM (SELECT * FROM log.keys WHERE signature_tag = u.tag OFFSET 0) AS k
                      WHERE k.tenant = u.tenant AND k.source = u.source AND k.id <> ALL (fresh));

        -- Nothing here sorts or aggregates: bodies go through once.
        INSERT INTO log.envelopes (position, received_at, id, tenant, source, delivery_key, event_type, arrived_at,
                                   headers, body, body_bytes, salt, body_hash, verdict, secret_id, flags)
        SELECT head.position + u.place, moment, u.id, u.tenant, u.source, u.delivery_key,
               u.event_type, u.arrived, u.headers::json, u.body, octet_length(u.body), u.salt, u.body_hash, u.verdict, u.secret_id,
               array_remove(string_to_array(u.flags, ','), '')
               || CASE WHEN u.id = ANY (replays) THEN ARRAY['suspect_replay'] ELSE '{}' END
        FROM unnest(ids, tenants, sources, delivery_keys, event_types, arrived, header_lists, bodies, salts, body_hashes,
                    verdicts, secret_ids, flag_lists, places)
             AS u (id, tenant, source, delivery_key, event_type, arrived, headers, body, salt, body_hash, verdict,
                   secret_id, flags, place)
        WHERE u.place IS NOT NULL;

        last := head.position + cardinality(fresh);
        UPDATE log.head SET
            position = last,
            received_at = moment,
            chain = sha256(head.chain || int8send(head.position + 1) || int8send((extract(epoch FROM moment) * 1000000)::bigint)
                           || (SELECT string_agg(u.leaf, '' ORDER BY u.n)
                               FROM unnest(ids, leaves) WITH ORDINALITY AS u (id, leaf, n)
                               WHERE all_fresh OR u.id = ANY (fresh)));
        INSERT INTO log.batches (through_position, first_position, received_at, chain)
        SELECT h.position, head.position + 1, h.received_at, h.chain FROM log.head h;
    END IF;

    IF all_fresh THEN
        RETURN QUERY SELECT u.n::integer, 'accepted', u.id, head.position + u.n, moment
                     FROM unnest(ids) WITH ORDINALITY AS u (id, n);
        RETURN;
    END IF;

    RETURN QUERY
    WITH answered AS (
        SELECT u.n, u.id, u.headers, u.arrived, u.body, first.id AS first_id, e.position, e.received_at,
               CASE WHEN first.id = u.id THEN 'accepted'
                    WHEN e.salt IS NULL OR sha256(e.salt || u.body) = e.body_hash THEN 'duplicate'
                    ELSE 'conflict' END AS outcome,
               u.tenant, u.source, u.delivery_key
        FROM unnest(ids, tenants, sources, delivery_keys, header_lists, arrived, bodies)
             WITH ORDINALITY AS u (id, tenant, source, delivery_key, headers, arrived, body, n)
        JOIN log.keys first ON (first.tenant, first.source, first.delivery_key) = (u.tenant, u.source, u.delivery_key)
        LEFT JOIN log.envelopes e ON e.id = first.id),
    noted AS (
        INSERT INTO log.redeliveries (id, tenant, source, delivery_key, arrived_at, outcome, headers, body)
        SELECT a.first_id, a.tenant, a.source, a.delivery_key, a.arrived, a.outcome, a.headers::json,
               CASE WHEN a.outcome = 'conflict' THEN a.body END
        FROM answered a WHERE a.outcome <> 'accepted')
    SELECT a.n::integer, a.outcome, a.first_id, a.position, a.received_at FROM answered a;
END $$;
COMMENT ON FUNCTION log.append IS 'The only writer of the log.';
