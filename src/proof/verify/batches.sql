-- The batches after position $1 up to and including $2, and whether the week that each was appended in is still kept: its
-- partition is there, and retention has not taken everything out of it but hooklake's own records.
SELECT b.through_position, b.first_position, b.received_at, b.chain,
       to_regclass('log.envelopes_' || to_char(b.received_at AT TIME ZONE 'UTC', 'IYYY"w"IW')) IS NOT NULL
       AND NOT EXISTS (SELECT FROM log.retired r WHERE b.through_position BETWEEN r.first_position AND r.through_position) AS is_kept
FROM log.batches b
WHERE b.through_position > $1 AND b.through_position <= $2
ORDER BY b.through_position
