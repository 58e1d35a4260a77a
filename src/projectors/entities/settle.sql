-- What entities are now: of each of their aspects ($4) the newest version, merged so that what the newest says counts.
-- Entities are named by tenants ($1) and keys ($2), all of one kind ($3). Rows that stay the same are not written.
WITH newest AS MATERIALIZED (
    SELECT k.tenant, k.key, max(v.version_at) AS version_at,
        hooklake.merged(v.state ORDER BY v.version_at, v.rank, v.digest, v.aspect) AS state,
        (array_agg(v."position" ORDER BY v.version_at DESC, v.rank DESC, v.digest DESC, v.aspect DESC))[1] AS "position",
        (array_agg(v.source ORDER BY v.version_at DESC, v.rank DESC, v.digest DESC, v.aspect DESC))[1] AS source
    FROM unnest($1::text[], $2::text[]) AS k (tenant, key)
    CROSS JOIN unnest($4::text[]) AS a (aspect)
    CROSS JOIN LATERAL (
        SELECT h.* FROM entity_history h
        WHERE h.tenant = k.tenant AND h.entity = $3 AND h.key = k.key AND h.aspect = a.aspect
        ORDER BY h.version_at DESC, h.rank DESC, h.digest DESC, h."position"
        LIMIT 1) AS v
    GROUP BY k.tenant, k.key),
made AS MATERIALIZED (
    SELECT m.*
    FROM newest n
    CROSS JOIN LATERAL jsonb_populate_record(NULL::pull_requests, jsonb_build_object('is_deleted', false) || n.state
        || jsonb_build_object('tenant', n.tenant, 'key', n.key, 'source', n.source, 'position', n."position",
            'version_at', n.version_at)) AS m),
gone AS (
    DELETE FROM pull_requests e
    USING unnest($1::text[], $2::text[]) AS k (tenant, key)
    WHERE e.tenant = k.tenant AND e.key = k.key
      AND NOT EXISTS (SELECT FROM made m WHERE m.tenant = e.tenant AND m.key = e.key AND ROW (m.*) IS NOT DISTINCT FROM ROW (e.*))
    RETURNING e.key)
INSERT INTO pull_requests
SELECT m.*
FROM made m
-- The count makes sure that the old rows are gone before the new ones come.
WHERE (SELECT count(*) FROM gone) >= 0
  AND NOT EXISTS (SELECT FROM pull_requests e WHERE e.tenant = m.tenant AND e.key = m.key AND ROW (m.*) IS NOT DISTINCT FROM ROW (e.*))
