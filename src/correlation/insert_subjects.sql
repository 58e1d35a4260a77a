-- What each event is about.
INSERT INTO event_subjects ("position", id, tenant, source, kind, subject, received_at)
SELECT * FROM unnest($1::bigint[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::timestamptz[])
