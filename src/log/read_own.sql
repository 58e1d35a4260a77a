-- hooklake's own records from position $1 through $2, at most $3 of them: all that remains of a retired partition.
SELECT e.position, e.id, e.tenant, e.source, e.delivery_key, e.event_type, e.arrived_at, e.received_at, e.headers::text,
       e.body, e.verdict, e.secret_id, e.flags
FROM log.envelopes e
WHERE e.position >= $1 AND e.position <= $2 AND e.source = 'hooklake'
ORDER BY e.position
LIMIT $3
