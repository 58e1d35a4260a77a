-- Events by day, source and type.
SELECT day AS event_date, source, event_type, count(*) AS total_events, count(DISTINCT actor) AS actors,
       min(received_at) AS first_received_at, max(received_at) AS last_received_at
FROM events
WHERE flags NOT LIKE '%suspect_replay%'
GROUP BY day, source, event_type
