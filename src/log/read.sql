-- Envelopes of the span ($1, $2], as many as fit into $4 bytes of bodies but at least one. The log's head was read
-- before and is the settled edge: what is at or below it is visible and complete (decision D4). What is retired counts as
-- gone from that act on, though its rows may wait for older readers to end: nobody finds half of it.
--   $3  the sources that the reader follows; NULL for all
--   $6  whether the bodies are wanted
--   $7  whether what is retired is wanted as long as it is there
--   $5  the time of the last envelope read: times never go back, so earlier partitions are not looked at
-- The rows come in the order of an index and are counted as they pass: `bytes_passed` are those of this one and all before it.
SELECT s.position, s.id, s.tenant, s.source, s.delivery_key, s.event_type, s.arrived_at, s.received_at, s.headers::text,
       CASE WHEN $6 THEN s.body END AS body, s.verdict, s.secret_id, s.flags, s.bytes_passed
FROM (SELECT e.*, sum(e.body_bytes) OVER (ORDER BY e.position ROWS UNBOUNDED PRECEDING) AS bytes_passed
      FROM log.envelopes e
      WHERE e.position > $1 AND e.position <= $2 AND e.received_at >= $5
        AND ($3::text[] IS NULL OR e.source = ANY ($3::text[]))
        AND ($7 OR e.source = 'hooklake' OR NOT EXISTS (
            SELECT FROM log.retired r WHERE e.position BETWEEN r.first_position AND r.through_position AND r.emptied_at IS NULL))) s
WHERE s.bytes_passed - s.body_bytes < $4::bigint
ORDER BY s.position
