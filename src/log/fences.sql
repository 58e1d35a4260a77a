-- What the log commits to at each of these positions: the chain hash of the batch that holds it. No batch: the log does
-- not go that far. One that begins later: the position's own was dropped with its partition.
SELECT b.first_position <= p.position AS is_held, b.chain
FROM unnest($1::bigint[]) WITH ORDINALITY AS p (position, n)
LEFT JOIN LATERAL (SELECT first_position, chain FROM log.batches WHERE through_position >= p.position
                   ORDER BY through_position LIMIT 1) AS b ON true
ORDER BY p.n
