-- Slowest deliveries
-- The twenty deliveries that waited longest for their answer, with what might explain it.
SELECT id, source, event_type, status, attempt, round(response_time_ms::numeric, 1) AS response_time_ms, body_bytes, received_at
FROM webhook_deliveries
ORDER BY response_time_ms DESC
LIMIT 20
