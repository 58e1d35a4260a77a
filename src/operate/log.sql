-- The log as a whole, without reading its rows. Times never go back, so the batches of the last minute are the last ones.
SELECT h.position AS head,
       CASE WHEN h.position > 0 THEN h.received_at END AS last_append,
       h.position - coalesce((SELECT b.through_position FROM log.batches b
                              WHERE b.received_at < clock_timestamp() - interval '1 minute'
                              ORDER BY b.through_position DESC LIMIT 1), 0) AS last_minute,
       (SELECT greatest(c.reltuples, 0)::bigint FROM pg_class c WHERE c.oid = 'log.redeliveries'::regclass) AS redeliveries,
       pg_database_size(current_database()) AS database_bytes
FROM log.head h
