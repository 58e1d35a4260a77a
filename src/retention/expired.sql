-- The next envelopes of a tenant and source that were received before $5, within a partition's time ($3 to $4) and after
-- position $6, whose bodies are still there and which no hold covers.
SELECT e.position
FROM log.envelopes e
WHERE e.received_at >= $3 AND e.received_at < least($4::timestamptz, $5::timestamptz) AND e.position > $6
  AND e.tenant = $1 AND e.source = $2 AND e.body IS NOT NULL
  AND NOT EXISTS (
      SELECT FROM log.holds h
      WHERE h.released_at IS NULL AND (h.tenant IS NULL OR h.tenant = e.tenant) AND (h.source IS NULL OR h.source = e.source)
        AND (h.from_position IS NULL OR h.from_position <= e.position) AND (h.to_position IS NULL OR h.to_position >= e.position))
ORDER BY e.position
LIMIT $7
