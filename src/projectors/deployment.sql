-- A row for each event that tells of a deployment.
INSERT INTO deployment_events ("position", id, tenant, origin, deployment_id, environment, status, repository_name,
    commit_sha, branch_name, url, creator, description, started_at, finished_at, odd_fields, received_at, verbatim, mended)
SELECT u."position", u.id, u.tenant, u.origin, u.deployment_id, u.environment, u.status, u.repository_name,
    u.commit_sha, u.branch_name, u.url, u.creator, u.description, u.started_at, u.finished_at,
    ARRAY(SELECT jsonb_array_elements_text(u.odd_fields)), u.received_at, u.verbatim, u.mended::jsonb
FROM unnest($1::bigint[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[],
    $9::text[], $10::text[], $11::text[], $12::text[], $13::text[], $14::timestamptz[], $15::timestamptz[],
    $16::jsonb[], $17::timestamptz[], $18::boolean[], $19::text[])
    AS u ("position", id, tenant, origin, deployment_id, environment, status, repository_name, commit_sha,
    branch_name, url, creator, description, started_at, finished_at, odd_fields, received_at, verbatim, mended)
