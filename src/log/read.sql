-- Envelopes of the span ($1, $2], as many as fit into $4 bytes of bodies but at least one. The log's head was read
-- before and is the settled edge: what is at or below it is visible and complete (decision D4). What is retired counts as
-- gone from that act on, though its rows may wait for older readers to end: nobody finds half of it.
--   $3  the sources that the reader follows; NULL for all
--   $6  whether the bodies are wanted
--   $7  whether what is retired is wanted as long as it is there
--   $5  the time of the last envelope read: times never go back, so earlier partitions are not looked at
WITH sized AS (
    SELECT e.position, e.received_at,
           sum(e.body_bytes::bigint) OVER (ORDER BY e.position) - e.body_bytes AS bytes_before,
           count(*) OVER () AS total
    FROM log.envelopes e
    WHERE e.position > $1 AND e.position <= $2 AND e.received_at >= $5
      AND ($3::text[] IS NULL OR e.source = ANY ($3::text[]))
      AND ($7 OR e.source = 'hooklake' OR NOT EXISTS (
          SELECT FROM log.retired r WHERE e.position BETWEEN r.first_position AND r.through_position AND r.emptied_at IS NULL)))
SELECT e.position, e.id, e.tenant, e.source, e.delivery_key, e.event_type, e.arrived_at, e.received_at, e.headers::text,
       CASE WHEN $6 THEN e.body END AS body, e.verdict, e.secret_id, e.flags, s.total
FROM sized s
JOIN log.envelopes e ON e.position = s.position AND e.received_at = s.received_at
WHERE s.bytes_before < $4::bigint AND e.received_at >= $5
ORDER BY e.position
