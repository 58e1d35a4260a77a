-- The end of the log with its chain hash, and the hash of the batch that holds the position $1 now: another one than was
-- seen there means that the log is another one.
SELECT h.position, h.chain,
       (SELECT b.chain FROM log.batches b WHERE b.through_position >= $1 ORDER BY b.through_position LIMIT 1) AS then
FROM log.head h
