-- The tiles of a level from an index on, in order.
SELECT t.index, t.hashes FROM log_tiles t WHERE t.level = $1 AND t.index >= $2 ORDER BY t.index
