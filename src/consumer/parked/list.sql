-- Parked events by consumer and place.
--   $1  only of this consumer; NULL for all
--   $2  those whose loss was accepted as well
SELECT consumer, position, event_id, reason, attempts, parked_at, tried_at, retry_requested_at, dropped_at, drop_reason
FROM hooklake.parked
WHERE ($1::text IS NULL OR consumer = $1) AND ($2::boolean OR dropped_at IS NULL)
ORDER BY consumer, position
LIMIT $3
