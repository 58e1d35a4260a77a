-- A row for each event. On a rebuild the time of its first processing is taken from the table that is replaced.
INSERT INTO events ("position", id, tenant, source, platform, event_type, action, kind, actor, title, repository,
    subject, url, priority, parse_status, lossy, duplicate_keys, flags, body_bytes, delivery_key, received_at,
    verbatim, mended, processed_at)
SELECT u."position", u.id, u.tenant, u.source, u.platform, u.event_type, u.action, u.kind, u.actor, u.title,
    u.repository, u.subject, u.url, u.priority, u.parse_status, u.lossy, u.duplicate_keys,
    array_remove(string_to_array(u.flags, ','), ''), u.body_bytes, u.delivery_key, u.received_at, u.verbatim, u.mended::jsonb,
    coalesce(replaced.processed_at, clock_timestamp())
FROM unnest($1::bigint[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[],
    $9::text[], $10::text[], $11::text[], $12::text[], $13::text[], $14::text[], $15::text[], $16::boolean[],
    $17::boolean[], $18::text[], $19::integer[], $20::text[], $21::timestamptz[], $22::boolean[], $23::text[])
    AS u ("position", id, tenant, source, platform, event_type, action, kind, actor, title, repository, subject, url,
    priority, parse_status, lossy, duplicate_keys, flags, body_bytes, delivery_key, received_at, verbatim, mended)
LEFT JOIN projections.events replaced ON replaced."position" = u."position"
