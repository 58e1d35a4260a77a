-- Counts by day (UTC), source and type; $2 days, today among them.
SELECT to_char((received_at AT TIME ZONE 'UTC')::date, 'YYYY-MM-DD') AS day, source, event_type, count(*) AS event_count,
       count(DISTINCT actor) AS distinct_actors, min(received_at) AS first_at, max(received_at) AS last_at
FROM events
WHERE tenant = $1
  AND received_at >= (date_trunc('day', now() AT TIME ZONE 'UTC') - make_interval(days => $2::integer - 1)) AT TIME ZONE 'UTC'
GROUP BY 1, 2, 3
ORDER BY 1 DESC, 4 DESC, 2, 3
