-- What entities are now: of each of their aspects ($4) the newest version, merged so that what the newest says counts.
-- Entities are named by tenants ($1) and keys ($2), all of one kind ($3). Rows that stay the same are not written.
-- Entity by entity, and each looked up by index: a plan is made once, for batches of any size.
WITH compared AS MATERIALIZED (
    SELECT k.tenant, k.key, n.version_at IS NOT NULL AS is_told, e.key IS NOT NULL AS is_there,
        ROW (m.*) IS NOT DISTINCT FROM ROW (e.*) AS is_same, m AS made
    FROM unnest($1::text[], $2::text[]) AS k (tenant, key)
    CROSS JOIN LATERAL (
        SELECT max(v.version_at) AS version_at,
            hooklake.merged(v.state ORDER BY v.aspect = 'withdrawn', v.version_at, v.rank, v.digest, v.aspect) AS state,
            (array_agg(v."position" ORDER BY v.version_at DESC, v.rank DESC, v.digest DESC, v.aspect DESC))[1] AS "position",
            (array_agg(v.source ORDER BY v.version_at DESC, v.rank DESC, v.digest DESC, v.aspect DESC))[1] AS source
        FROM unnest($4::text[]) AS a (aspect)
        CROSS JOIN LATERAL (
            SELECT h.* FROM entity_history h
            WHERE h.tenant = k.tenant AND h.entity = $3 AND h.key = k.key AND h.aspect = a.aspect
            ORDER BY h.version_at DESC, h.rank DESC, h.digest DESC, h."position"
            LIMIT 1) AS v
        -- What was published at several times was taken back in between: it is out unless it was taken back as often. So it is
        -- when it was published after the last that it could have been taken back.
        WHERE a.aspect <> 'withdrawn'
           OR (SELECT count(DISTINCT h.digest) FILTER (WHERE h.aspect = 'withdrawn')
                      >= count(DISTINCT h.state ->> 'published_at') FILTER (WHERE h.aspect = 'status')
                  AND max(h.received_at) FILTER (WHERE h.aspect = 'withdrawn')
                      >= coalesce(max((h.state ->> 'published_at')::timestamptz) FILTER (WHERE h.aspect = 'status'), '-infinity')
               FROM entity_history h
               WHERE h.tenant = k.tenant AND h.entity = $3 AND h.key = k.key AND h.aspect IN ('withdrawn', 'status'))) AS n
    CROSS JOIN LATERAL jsonb_populate_record(NULL::pull_requests, jsonb_build_object('is_deleted', false) || n.state
        || jsonb_build_object('tenant', k.tenant, 'key', k.key, 'source', n.source, 'position', n."position",
            'version_at', n.version_at)) AS m
    LEFT JOIN LATERAL (
        SELECT * FROM pull_requests e WHERE e.tenant = k.tenant AND e.key = k.key) AS e ON true),
gone AS (
    DELETE FROM pull_requests e
    USING compared c
    WHERE e.tenant = c.tenant AND e.key = c.key AND c.is_there AND NOT (c.is_told AND c.is_same)
    RETURNING e.key)
INSERT INTO pull_requests
SELECT (c.made).*
FROM compared c
-- The count makes sure that the old rows are gone before the new ones come.
WHERE (SELECT count(*) FROM gone) >= 0 AND c.is_told AND NOT c.is_same
