-- What the leaves of the span ($1, $2] are made of: everything of an envelope but its body.
SELECT e.position, e.id, e.tenant, e.source, e.delivery_key, e.event_type, e.arrived_at, e.headers::text, e.body_hash,
       e.verdict, e.secret_id
FROM log.envelopes e
WHERE e.position > $1 AND e.position <= $2
ORDER BY e.position
