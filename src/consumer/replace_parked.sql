-- What the copy ($2) parked is now what the live consumer ($1) parked.
WITH old AS (DELETE FROM hooklake.parked WHERE consumer = $1 AND position NOT IN (SELECT position FROM hooklake.parked WHERE consumer = $2)),
     same AS (DELETE FROM hooklake.parked WHERE consumer = $2 RETURNING position, event_id, reason, attempts, parked_at)
INSERT INTO hooklake.parked (consumer, position, event_id, reason, attempts, parked_at)
SELECT $1, position, event_id, reason, attempts, parked_at FROM same
ON CONFLICT (consumer, position) DO UPDATE SET reason = excluded.reason, attempts = excluded.attempts, parked_at = excluded.parked_at
