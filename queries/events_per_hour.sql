-- Throughput
-- Events per hour and platform, with how long processing took: the newest hours first.
-- $1 hours count = 24: how many hours back
SELECT hour, platform, sum(total_events) AS events, sum(failed_events) AS failed, round(max(max_processing_ms)) AS slowest_ms
FROM event_metrics
WHERE hour >= now() - make_interval(hours => $1::integer)
GROUP BY hour, platform
ORDER BY hour DESC, events DESC, platform
