-- The batch that ends before position $1.
SELECT b.through_position, b.received_at, b.chain
FROM log.batches b WHERE b.through_position < $1 ORDER BY b.through_position DESC LIMIT 1
