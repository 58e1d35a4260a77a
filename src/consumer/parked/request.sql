-- Asks for another try of one event ($2), or of all whose loss nobody accepted ($2 NULL).
UPDATE hooklake.parked SET retry_requested_at = clock_timestamp()
WHERE consumer = $1 AND CASE WHEN $2::bigint IS NULL THEN dropped_at IS NULL ELSE position = $2 END
RETURNING position
