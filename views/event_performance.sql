-- How fast deliveries were answered in each hour, by source.
CREATE VIEW public.event_performance AS
SELECT date_trunc('hour', received_at, 'UTC') AS hour,
       source,
       count(*) AS deliveries,
       percentile_cont(0.50) WITHIN GROUP (ORDER BY response_time_ms) AS p50_response_ms,
       percentile_cont(0.95) WITHIN GROUP (ORDER BY response_time_ms) AS p95_response_ms,
       percentile_cont(0.99) WITHIN GROUP (ORDER BY response_time_ms) AS p99_response_ms,
       max(response_time_ms) AS max_response_ms,
       sum(body_bytes) AS body_bytes
FROM public.received_deliveries
GROUP BY 1, 2
ORDER BY 1 DESC, 2;

COMMENT ON VIEW public.event_performance IS 'Percentiles of the time from the arrival of a request to its place in the log, per hour and source.';
