-- One event by its name; its payload is read from the log only when $3 says so.
SELECT "position", id, tenant, source, platform, event_type, action, kind, actor, title, repository, subject, url, status, priority,
       parse_status, lossy, duplicate_keys, flags, body_bytes, delivery_key, received_at, created_at, processed_at,
       CASE WHEN $3::boolean THEN payload END AS payload
FROM events WHERE tenant = $1 AND id = $2
