-- Counts and rates of each day, by source and type.
CREATE VIEW public.event_metadata AS
SELECT (d.received_at AT TIME ZONE 'UTC')::date AS day,
       d.source,
       d.event_type,
       count(*) AS event_count,
       count(*) FILTER (WHERE p."position" IS NULL AND d.error IS NULL) AS success_count,
       count(*) FILTER (WHERE p."position" IS NOT NULL OR d.error IS NOT NULL) AS failure_count,
       round(count(*) FILTER (WHERE p."position" IS NULL AND d.error IS NULL)::numeric / count(*), 4) AS success_rate,
       round(count(*) FILTER (WHERE p."position" IS NOT NULL OR d.error IS NOT NULL)::numeric / count(*), 4) AS failure_rate,
       avg(d.response_time_ms) AS avg_response_ms,
       avg(extract(epoch FROM e.processed_at - e.received_at) * 1000) AS avg_processing_ms,
       sum(d.body_bytes) AS body_bytes
FROM public.received_deliveries d
LEFT JOIN public.events e ON e."position" = d."position"
LEFT JOIN (SELECT DISTINCT "position" FROM hooklake.parked WHERE consumer !~ '@') p ON p."position" = d."position"
GROUP BY 1, 2, 3
ORDER BY 1 DESC, 4 DESC, 2, 3;

COMMENT ON VIEW public.event_metadata IS 'Counts, success and failure rates and speed per day (UTC), source and type.';
COMMENT ON COLUMN public.event_metadata.failure_count IS 'Events whose body could not be read, or that some consumer set aside. They are stored all the same.';
COMMENT ON COLUMN public.event_metadata.success_rate IS 'From 0 to 1.';
COMMENT ON COLUMN public.event_metadata.avg_response_ms IS 'From the arrival of the request to its place in the log.';
COMMENT ON COLUMN public.event_metadata.avg_processing_ms IS 'From there to the table events.';
