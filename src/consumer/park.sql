-- Sets an event aside, if the owner of this epoch still is the owner; again after a crash in between.
INSERT INTO hooklake.parked (consumer, position, event_id, reason, attempts)
SELECT held.name, $3, $4, $5, $6
FROM (SELECT name FROM hooklake.consumers WHERE name = $1 AND epoch = $2 FOR KEY SHARE) AS held
ON CONFLICT (consumer, position) DO UPDATE SET reason = excluded.reason, attempts = excluded.attempts, parked_at = clock_timestamp()
