-- How processing goes, by platform and type.
CREATE VIEW public.event_processing_summary AS
SELECT platform,
       event_type,
       status,
       count(*) AS total_events,
       count(*) FILTER (WHERE status <> 'parked') AS processed_events,
       count(*) FILTER (WHERE status = 'parked') AS failed_events,
       avg(extract(epoch FROM processed_at - received_at)) AS avg_processing_time,
       min(received_at) AS first_event_at,
       max(received_at) AS last_event_at
FROM public.event_processing_status
GROUP BY 1, 2, 3
ORDER BY 4 DESC, 1, 2, 3;

COMMENT ON VIEW public.event_processing_summary IS 'Events by platform, type and status, with how long processing took.';
COMMENT ON COLUMN public.event_processing_summary.failed_events IS 'Events that some consumer set aside; the reasons are in event_processing_status.';
COMMENT ON COLUMN public.event_processing_summary.avg_processing_time IS 'Seconds from being stored to being in the table events, on average.';
