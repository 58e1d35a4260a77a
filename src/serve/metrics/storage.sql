-- How much there is: deliveries that came again, for one tenant, and sizes for the whole installation.
SELECT h.position AS head,
       (SELECT count(*) FROM log.redeliveries r WHERE r.tenant = $1 AND r.outcome = 'duplicate') AS duplicates,
       (SELECT count(*) FROM log.redeliveries r WHERE r.tenant = $1 AND r.outcome = 'conflict') AS conflicts,
       (SELECT coalesce(sum(pg_total_relation_size(t.relid)), 0)::bigint FROM pg_partition_tree('log.envelopes') t) AS log_bytes,
       pg_database_size(current_database()) AS database_bytes
FROM log.head h
