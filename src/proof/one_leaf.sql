-- What the leaf of one envelope is made of, with the salt that leads from its body to it.
SELECT e.position, e.id, e.tenant, e.source, e.delivery_key, e.event_type, e.arrived_at, e.headers::text, e.body_hash,
       e.verdict, e.secret_id, e.salt
FROM log.envelopes e
WHERE e.position = $1 AND e.tenant = $2
