-- What PostgreSQL is busy with.
SELECT connections_active, connections_idle, connections_in_transaction, connections_max, oldest_transaction_seconds,
       transaction_id_age, prepared_transactions
FROM hooklake.server_standing()
