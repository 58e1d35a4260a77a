-- A row for each event that tells of a deployment.
INSERT INTO deployment_events ("position", id, tenant, event_type, received_at, verbatim, mended, origin, deployment_id,
    environment, status, repository_name, commit_sha, branch_name, title, url, creator, description, task,
    production_environment, run_id, started_at, finished_at, odd_fields)
SELECT u."position", u.id, u.tenant, u.event_type, u.received_at, u.verbatim, u.mended::jsonb, u.origin,
    u.deployment_id, u.environment, u.status, u.repository_name, u.commit_sha, u.branch_name, u.title, u.url, u.creator,
    u.description, u.task, u.production_environment, u.run_id, u.started_at, u.finished_at, u.odd_fields::text[]
FROM unnest($1::bigint[], $2::text[], $3::text[], $4::text[], $5::timestamptz[], $6::boolean[], $7::text[], $8::text[],
    $9::text[], $10::text[], $11::text[], $12::text[], $13::text[], $14::text[], $15::text[], $16::text[], $17::text[],
    $18::text[], $19::text[], $20::boolean[], $21::bigint[], $22::timestamptz[], $23::timestamptz[], $24::text[])
    AS u ("position", id, tenant, event_type, received_at, verbatim, mended, origin, deployment_id, environment, status,
    repository_name, commit_sha, branch_name, title, url, creator, description, task, production_environment, run_id,
    started_at, finished_at, odd_fields)
