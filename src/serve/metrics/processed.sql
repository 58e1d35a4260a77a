-- How many events every consumer has taken, how many one of them could not take, and how many deployments wait.
-- Copies beside a consumer (name@rebuild, name@as-of) have no say.
WITH slowest AS (
    SELECT coalesce(min(c.position), 0) AS position FROM hooklake.consumers c WHERE c.name !~ '@'),
parked AS (
    SELECT count(DISTINCT p.position) AS failed, count(DISTINCT p.position) FILTER (WHERE p.position <= slowest.position) AS passed
    FROM hooklake.parked p CROSS JOIN slowest WHERE p.consumer !~ '@')
SELECT greatest(slowest.position - parked.passed, 0) AS processed, parked.failed,
       (SELECT count(*) FROM log.envelopes e WHERE e.position > slowest.position AND e.source = 'deployment') AS deployments_waiting
FROM slowest CROSS JOIN parked
