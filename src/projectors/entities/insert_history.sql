-- A row for each version that an envelope tells of an entity.
INSERT INTO entity_history ("position", tenant, source, entity, key, aspect, version_at, rank, digest, received_at, state)
SELECT u."position", u.tenant, u.source, u.entity, u.key, u.aspect, u.version_at, u.rank, u.digest, u.received_at,
    u.state::jsonb
FROM unnest($1::bigint[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::timestamptz[], $8::bigint[],
    $9::bigint[], $10::timestamptz[], $11::text[])
    AS u ("position", tenant, source, entity, key, aspect, version_at, rank, digest, received_at, state)
