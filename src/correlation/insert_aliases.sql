-- Which event explained which other name of what.
INSERT INTO subject_aliases ("position", tenant, alias, kind, subject)
SELECT * FROM unnest($1::bigint[], $2::text[], $3::text[], $4::text[], $5::text[])
