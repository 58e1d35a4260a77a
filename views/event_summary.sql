-- What came in on each day, by source and type.
CREATE VIEW public.event_summary AS
SELECT (received_at AT TIME ZONE 'UTC')::date AS day,
       source,
       event_type,
       count(*) AS event_count,
       count(*) AS total_events,
       count(DISTINCT action) AS distinct_actions,
       count(DISTINCT actor) AS distinct_actors,
       count(DISTINCT subject) AS distinct_subjects,
       min(received_at) AS first_at,
       max(received_at) AS last_at
FROM public.events
GROUP BY 1, 2, 3
ORDER BY 1 DESC, 4 DESC, 2, 3;

COMMENT ON VIEW public.event_summary IS 'Events per day (UTC), source and type, newest day first.';
COMMENT ON COLUMN public.event_summary.event_count IS 'How many events.';
COMMENT ON COLUMN public.event_summary.total_events IS 'The same as event_count.';
COMMENT ON COLUMN public.event_summary.distinct_actors IS 'How many different people or bots.';
COMMENT ON COLUMN public.event_summary.distinct_subjects IS 'How many different pull requests, issues, messages, ….';
