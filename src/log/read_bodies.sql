-- Bodies of these envelopes, named by their positions ($1) and when each was received ($2), with the flags that they have
-- now: one may have been redacted a moment ago.
SELECT e.position, e.body, e.flags
FROM unnest($1::bigint[], $2::timestamptz[]) AS k (position, received_at)
JOIN log.envelopes e ON e.position = k.position AND e.received_at = k.received_at
