-- Every byte of the envelopes of the span ($1, $2]. By position alone: a row whose time was altered is found all the same.
SELECT e.position, e.received_at, e.id, e.tenant, e.source, e.delivery_key, e.event_type, e.arrived_at, e.headers::text,
       e.body, e.body_bytes, e.salt, e.body_hash, e.verdict, e.secret_id
FROM log.envelopes e
WHERE e.position > $1 AND e.position <= $2
ORDER BY e.position
