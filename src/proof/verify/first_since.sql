-- The first position that was appended at or after a time.
SELECT b.first_position FROM log.batches b WHERE b.received_at >= $1 ORDER BY b.through_position LIMIT 1
