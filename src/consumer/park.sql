-- Sets an event aside; again after a crash in between.
INSERT INTO hooklake.parked (consumer, position, event_id, reason, attempts) VALUES ($1, $2, $3, $4, $5)
ON CONFLICT (consumer, position) DO UPDATE SET reason = excluded.reason, attempts = excluded.attempts, parked_at = clock_timestamp()
