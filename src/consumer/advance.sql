-- Moves a checkpoint from $3 to $4 in the transaction of the effect. The epoch keeps out an owner that was paused and
-- replaced; the position keeps out a batch that was applied already; the fence keeps out a log that is another one at
-- $3 than it was when the checkpoint came there. A batch that was dropped with its partition cannot be compared.
UPDATE hooklake.consumers
SET position = $4, updated_at = clock_timestamp(), error = NULL,
    fence = (SELECT b.chain FROM log.batches b WHERE b.through_position >= $4 ORDER BY b.through_position LIMIT 1)
WHERE name = $1 AND epoch = $2 AND position = $3
  AND coalesce(fence = (SELECT CASE WHEN b.first_position <= $3 THEN b.chain END FROM log.batches b
                        WHERE b.through_position >= $3 ORDER BY b.through_position LIMIT 1), true)
