-- Accepts the loss of an event.
UPDATE hooklake.parked SET dropped_at = clock_timestamp(), drop_reason = $3, retry_requested_at = NULL
WHERE consumer = $1 AND position = $2
