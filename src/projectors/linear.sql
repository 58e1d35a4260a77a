-- A row for each Linear event.
INSERT INTO linear_events ("position", id, tenant, event_type, action, delivery_id, organization_id,
    webhook_timestamp, actor_id, actor_name, actor_email, creator_name, issue_id, issue_identifier, issue_title,
    issue_url, issue_priority, issue_estimate, state_name, state_type, team_id, team_key, team_name, project_id,
    project_name, cycle_number, comment_id, comment_body, assignee_name, labels, updated_from, odd_fields,
    received_at, verbatim, mended)
SELECT u."position", u.id, u.tenant, u.event_type, u.action, u.delivery_id, u.organization_id, u.webhook_timestamp,
    u.actor_id, u.actor_name, u.actor_email, u.creator_name, u.issue_id, u.issue_identifier, u.issue_title,
    u.issue_url, u.issue_priority, u.issue_estimate, u.state_name, u.state_type, u.team_id, u.team_key, u.team_name,
    u.project_id, u.project_name, u.cycle_number, u.comment_id, u.comment_body, u.assignee_name,
    ARRAY(SELECT jsonb_array_elements_text(u.labels)), u.updated_from,
    ARRAY(SELECT jsonb_array_elements_text(u.odd_fields)), u.received_at, u.verbatim, u.mended::jsonb
FROM unnest($1::bigint[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::timestamptz[],
    $9::text[], $10::text[], $11::text[], $12::text[], $13::text[], $14::text[], $15::text[], $16::text[],
    $17::smallint[], $18::double precision[], $19::text[], $20::text[], $21::text[], $22::text[], $23::text[],
    $24::text[], $25::text[], $26::bigint[], $27::text[], $28::text[], $29::text[], $30::jsonb[], $31::jsonb[],
    $32::jsonb[], $33::timestamptz[], $34::boolean[], $35::text[])
    AS u ("position", id, tenant, event_type, action, delivery_id, organization_id, webhook_timestamp, actor_id,
    actor_name, actor_email, creator_name, issue_id, issue_identifier, issue_title, issue_url, issue_priority,
    issue_estimate, state_name, state_type, team_id, team_key, team_name, project_id, project_name, cycle_number,
    comment_id, comment_body, assignee_name, labels, updated_from, odd_fields, received_at, verbatim, mended)
