-- What each rule said of each event.
INSERT INTO event_validations ("position", id, tenant, source, event_type, rule, valid, errors, received_at)
SELECT u."position", u.id, u.tenant, u.source, u.event_type, u.rule, u.valid,
    ARRAY(SELECT jsonb_array_elements_text(u.errors)), u.received_at
FROM unnest($1::bigint[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::boolean[], $8::jsonb[],
    $9::timestamptz[])
    AS u ("position", id, tenant, source, event_type, rule, valid, errors, received_at)
