-- The batches after position $1 up to and including $2, and whether each is still kept: retention has not taken everything out of
-- it but hooklake's own records.
SELECT b.through_position, b.first_position, b.received_at, b.chain,
       NOT EXISTS (SELECT FROM log.retired r WHERE b.through_position BETWEEN r.first_position AND r.through_position) AS is_kept
FROM log.batches b
WHERE b.through_position > $1 AND b.through_position <= $2
ORDER BY b.through_position
