-- What came in on each day, by source and type.
SELECT day, source, event_type, count(*) AS event_count, count(*) AS total_events,
       count(DISTINCT action) AS distinct_actions, count(DISTINCT actor) AS distinct_actors,
       count(DISTINCT subject) AS distinct_subjects, min(received_at) AS first_at, max(received_at) AS last_at
FROM events
WHERE flags NOT LIKE '%suspect_replay%'
GROUP BY day, source, event_type
ORDER BY day DESC, event_count DESC, source, event_type
