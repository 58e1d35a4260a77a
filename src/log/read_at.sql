-- What the log holds now at these positions: of envelopes whose bodies were redacted, what is left.
SELECT e.position, e.id, e.tenant, e.source, e.delivery_key, e.event_type, e.arrived_at, e.received_at, e.headers::text,
       e.body, e.verdict, e.secret_id, e.flags
FROM log.envelopes e
WHERE e.position = ANY ($1)
ORDER BY e.position
