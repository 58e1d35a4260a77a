-- One parked event.
SELECT consumer, position, event_id, reason, attempts, parked_at, tried_at, retry_requested_at, dropped_at, drop_reason
FROM hooklake.parked
WHERE consumer = $1 AND position = $2
