-- Rules that the batch at hand changed; the newest change of each counts.
INSERT INTO validation_rules (tenant, name, source, event_type, schema, error, since_position)
SELECT u.tenant, u.name, u.source, u.event_type, u.schema, u.error, u.since_position
FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::jsonb[], $6::text[], $7::bigint[])
    AS u (tenant, name, source, event_type, schema, error, since_position)
ON CONFLICT (tenant, name) DO UPDATE SET
    source = excluded.source, event_type = excluded.event_type, schema = excluded.schema, error = excluded.error,
    since_position = excluded.since_position
