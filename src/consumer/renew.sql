-- Holds a lease for longer, unless someone else took it.
UPDATE hooklake.consumers SET lease_until = clock_timestamp() + make_interval(secs => $3) WHERE name = $1 AND epoch = $2
