-- Moves a checkpoint from $3 to $4 in the transaction of the effect. The epoch keeps out an owner that was paused and
-- replaced; the position keeps out a batch that was applied already.
UPDATE hooklake.consumers SET position = $4, updated_at = clock_timestamp(), error = NULL
WHERE name = $1 AND epoch = $2 AND position = $3
