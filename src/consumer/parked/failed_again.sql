-- It was tried again and not taken; no reason ($3 NULL) keeps the one that a rebuild wrote.
UPDATE hooklake.parked
SET retry_requested_at = NULL, tried_at = clock_timestamp(),
    attempts = attempts + CASE WHEN $3::text IS NULL THEN 0 ELSE 1 END, reason = coalesce($3, reason)
WHERE consumer = $1 AND position = $2
