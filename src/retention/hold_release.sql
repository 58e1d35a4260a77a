-- Releases a legal hold that stands.
UPDATE log.holds SET released_at = clock_timestamp(), released_by = $2 WHERE id = $1 AND released_at IS NULL
