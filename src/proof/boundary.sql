-- The last batch that the tree has taken whole: there, chain and tree commit to the same envelopes.
SELECT b.through_position, b.chain
FROM log.batches b
WHERE b.through_position <= $1
ORDER BY b.through_position DESC LIMIT 1
