-- What sessions of codegen_readonly in this database are at, by the database's clock, and how full the queue of
-- notifications is, which a session that listens and never reads keeps from being emptied. Parallel workers are listed
-- with their session: their memory counts.
SELECT a.pid, a.leader_pid,
       CASE WHEN a.state IN ('active', 'fastpath function call')
            THEN (extract(epoch FROM clock_timestamp() - a.query_start) * 1000)::bigint END AS statement_ms,
       CASE WHEN a.state LIKE 'idle in transaction%'
            THEN (extract(epoch FROM clock_timestamp() - a.state_change) * 1000)::bigint END AS idle_ms,
       (extract(epoch FROM clock_timestamp() - a.xact_start) * 1000)::bigint AS transaction_ms,
       -- Who only reads is given no number for a transaction.
       a.backend_xid IS NOT NULL AS is_writing,
       pg_notification_queue_usage() AS queue_used
FROM pg_catalog.pg_stat_activity a
WHERE a.usename = 'codegen_readonly' AND a.datname = current_database()
