-- Events per day, from the lake
-- How many events of each source came on each day, over the whole lake and the newest events of the log?
-- over: lake
-- $1 source text optional: github, linear, slack, …; all of them when it is left out
SELECT date_trunc('day', received_at) AS day, source, count(*) AS events, sum(body_bytes) AS body_bytes
FROM events
WHERE flags NOT LIKE '%suspect_replay%' AND (CAST($1 AS VARCHAR) IS NULL OR source = lower(CAST($1 AS VARCHAR)))
GROUP BY 1, 2
ORDER BY day DESC, events DESC, source
