-- The events at these positions, with their payloads.
SELECT "position", id, tenant, source, platform, event_type, action, kind, actor, title, repository, subject, url, status, priority,
       parse_status, lossy, duplicate_keys, flags, body_bytes, delivery_key, received_at, created_at, processed_at,
       payload
FROM events WHERE tenant = $1 AND "position" = ANY ($2::bigint[]) ORDER BY "position"
