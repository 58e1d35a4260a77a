-- A row for each claim that an envelope makes of an account.
INSERT INTO person_evidence ("position", tenant, identity, kind, value)
SELECT u."position", u.tenant, u.identity, u.kind, u.value
FROM unnest($1::bigint[], $2::text[], $3::text[], $4::text[], $5::text[]) AS u ("position", tenant, identity, kind, value)
