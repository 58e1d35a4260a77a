-- A row for each delivery in the log.
INSERT INTO received_deliveries ("position", id, tenant, source, delivery_key, delivery_id, event_type,
    response_time_ms, retry_attempts, retry_reason, error, flags, verdict, secret_id, body_bytes, user_agent,
    received_at)
SELECT u."position", u.id, u.tenant, u.source, u.delivery_key, u.delivery_id, u.event_type, u.response_time_ms,
    u.retry_attempts, u.retry_reason, u.error, array_remove(string_to_array(u.flags, ','), ''), u.verdict,
    u.secret_id, u.body_bytes, u.user_agent, u.received_at
FROM unnest($1::bigint[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[],
    $8::double precision[], $9::integer[], $10::text[], $11::text[], $12::text[], $13::text[], $14::text[],
    $15::integer[], $16::text[], $17::timestamptz[])
    AS u ("position", id, tenant, source, delivery_key, delivery_id, event_type, response_time_ms, retry_attempts,
    retry_reason, error, flags, verdict, secret_id, body_bytes, user_agent, received_at)
