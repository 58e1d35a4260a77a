-- How much came in in each hour, by platform and type.
CREATE VIEW public.event_metrics AS
SELECT date_trunc('hour', received_at, 'UTC') AS hour,
       platform,
       event_type,
       count(*) AS total_events,
       count(*) FILTER (WHERE status <> 'parked') AS processed_events,
       count(*) FILTER (WHERE status = 'parked') AS failed_events,
       round(count(*) / 60.0, 4) AS events_per_minute,
       avg(extract(epoch FROM processed_at - received_at) * 1000) AS avg_processing_ms,
       max(extract(epoch FROM processed_at - received_at) * 1000) AS max_processing_ms
FROM public.event_processing_status
GROUP BY 1, 2, 3
ORDER BY 1 DESC, 4 DESC, 2, 3;

COMMENT ON VIEW public.event_metrics IS 'Events per hour, platform and type, with how long processing took.';
COMMENT ON COLUMN public.event_metrics.failed_events IS 'Events that some consumer set aside.';
COMMENT ON COLUMN public.event_metrics.avg_processing_ms IS 'From being stored to being in the table events.';
