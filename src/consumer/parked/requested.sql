-- The next events of a consumer that someone wants to be tried again.
SELECT position FROM hooklake.parked
WHERE consumer = $1 AND position > $2 AND retry_requested_at IS NOT NULL
ORDER BY position
LIMIT 100
