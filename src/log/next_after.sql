-- The first position after $1 that the log still holds.
SELECT position FROM log.envelopes WHERE position > $1 ORDER BY position LIMIT 1
