-- Events of the last $2 hours by hour and source, for one tenant.
SELECT date_trunc('hour', e.received_at) AS hour, e.source, count(*) AS events
FROM log.envelopes e
WHERE e.tenant = $1 AND e.received_at >= clock_timestamp() - make_interval(hours => $2)
GROUP BY 1, 2
ORDER BY 1, 2
