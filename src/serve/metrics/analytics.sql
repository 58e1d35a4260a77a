-- What came in the last $2 hours for one tenant, and what became of it. An event has failed when a consumer parked
-- it, is pending until every consumer has passed it, and was processed in the time from its arrival to its COMMIT. Copies
-- beside a consumer (name@rebuild, name@as-of) have no say.
WITH came AS (
    SELECT e.position, extract(epoch FROM e.received_at - e.arrived_at) * 1000 AS took_ms,
           EXISTS (SELECT FROM hooklake.parked p WHERE p.position = e.position AND p.consumer !~ '@') AS parked
    FROM log.envelopes e
    WHERE e.tenant = $1 AND e.received_at >= clock_timestamp() - make_interval(hours => $2)),
slowest AS (
    SELECT coalesce(min(c.position), 0) AS position FROM hooklake.consumers c WHERE c.name !~ '@'),
again AS (
    SELECT count(*) FILTER (WHERE r.outcome = 'duplicate') AS duplicates, count(*) FILTER (WHERE r.outcome = 'conflict') AS conflicts
    FROM log.redeliveries r
    WHERE r.tenant = $1 AND r.received_at >= clock_timestamp() - make_interval(hours => $2))
SELECT count(*) AS total,
       count(*) FILTER (WHERE came.parked) AS failed,
       count(*) FILTER (WHERE NOT came.parked AND came.position <= slowest.position) AS successful,
       count(*) FILTER (WHERE NOT came.parked AND came.position > slowest.position) AS pending,
       -- Arrival is told by the server's clock, COMMIT by the database's: a small difference is no negative time.
       coalesce(avg(greatest(came.took_ms, 0)), 0)::float8 AS mean_ms,
       coalesce(percentile_cont(0.95) WITHIN GROUP (ORDER BY greatest(came.took_ms, 0)), 0)::float8 AS p95_ms,
       (SELECT duplicates FROM again), (SELECT conflicts FROM again)
FROM came CROSS JOIN slowest
