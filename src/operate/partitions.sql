-- The partitions of the log, oldest first, from the catalogue alone: rows are PostgreSQL's own estimate.
SELECT p.name, p.starts, p.ends, p.bytes, p.rows, p.starts > clock_timestamp() AS is_ahead
FROM (SELECT c.relname::text AS name,
             substring(pg_get_expr(c.relpartbound, c.oid) FROM 'FROM \(''([^'']+)''\)')::timestamptz AS starts,
             substring(pg_get_expr(c.relpartbound, c.oid) FROM 'TO \(''([^'']+)''\)')::timestamptz AS ends,
             pg_total_relation_size(c.oid) AS bytes, greatest(c.reltuples, 0)::bigint AS rows
      FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
      WHERE i.inhparent = 'log.envelopes'::regclass) AS p
ORDER BY p.starts
