-- Through which position of the log the consumers named in $1 have come, all of them (or all that keep tables, when it is
-- NULL), and for how many milliseconds the first event after it has waited; NULL and 0 when none is behind.
SELECT CASE WHEN s.position < h.position THEN s.position END AS "position",
       CASE WHEN s.position < h.position
            THEN coalesce(extract(epoch FROM clock_timestamp() - (
                     SELECT e.received_at FROM log.envelopes e WHERE e.position > s.position ORDER BY e.position LIMIT 1)) * 1000, 0)::bigint
            ELSE 0 END AS lag_ms
FROM log.head h, (
    SELECT CASE WHEN $1::text[] IS NULL THEN (SELECT min(c.position) FROM hooklake.consumers c WHERE c.name !~ '@' AND c.name NOT IN ('lake', 'search'))
                ELSE (SELECT min(coalesce(c.position, 0)) FROM unnest($1::text[]) n LEFT JOIN hooklake.consumers c ON c.name = n) END AS "position") s
