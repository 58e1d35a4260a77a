-- Where every consumer stands. The lag in seconds is that of the oldest envelope not yet seen; copies that a rebuild
-- fills have their own rows.
SELECT c.name, c.position, greatest(h.position - c.position, 0) AS lag_events,
       CASE WHEN c.position >= h.position THEN 0::float8
            ELSE coalesce(extract(epoch FROM clock_timestamp() - (
                     SELECT e.received_at FROM log.envelopes e WHERE e.position > c.position ORDER BY e.position LIMIT 1)), 0)::float8
       END AS lag_seconds,
       (SELECT count(*) FROM hooklake.parked p WHERE p.consumer = c.name AND p.dropped_at IS NULL) AS parked,
       CASE WHEN c.lease_until > clock_timestamp() THEN c.owner END AS owner, c.epoch, c.error
FROM hooklake.consumers c, log.head h
ORDER BY c.name
