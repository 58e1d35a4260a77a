-- What the log holds now at these positions ($1): of envelopes whose bodies were redacted, what is left. What is retired counts
-- as gone, unless it is wanted as long as it is there ($2).
SELECT e.position, e.id, e.tenant, e.source, e.delivery_key, e.event_type, e.arrived_at, e.received_at, e.headers::text,
       e.body, e.verdict, e.secret_id, e.flags
FROM log.envelopes e
WHERE e.position = ANY ($1)
  AND ($2 OR e.source = 'hooklake' OR NOT EXISTS (
      SELECT FROM log.retired r WHERE e.position BETWEEN r.first_position AND r.through_position AND r.emptied_at IS NULL))
ORDER BY e.position
