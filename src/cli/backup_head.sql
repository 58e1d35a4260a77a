-- What a backup's manifest says of the log.
SELECT h.position, encode(h.chain, 'hex') AS chain, clock_timestamp() AS taken_at,
       (SELECT max(version) FROM public.hooklake_migrations) AS schema
FROM log.head h
