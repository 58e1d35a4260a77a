-- Notes where a consumer stands that was opened, or whose checkpoint lives with its effect outside the database.
UPDATE hooklake.consumers
SET position = $3, updated_at = clock_timestamp(), error = NULL,
    fence = (SELECT b.chain FROM log.batches b WHERE b.through_position >= $3 AND b.first_position <= $3
             ORDER BY b.through_position LIMIT 1)
WHERE name = $1 AND epoch = $2
