-- One envelope by its name.
SELECT e.position, e.id, e.tenant, e.source, e.delivery_key, e.event_type, e.arrived_at, e.received_at, e.headers::text,
       e.body, e.verdict, e.secret_id, e.flags
FROM log.envelopes e
WHERE e.id = $1 AND e.tenant = $2
