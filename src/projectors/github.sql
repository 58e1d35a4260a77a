-- A row for each GitHub event.
INSERT INTO github_events ("position", id, tenant, event_type, action, delivery_id, hook_id, repository_full_name,
    repository_id, organization_login, sender_login, sender_type, sender_id, number, pull_request_number,
    pull_request_title, pull_request_state, pull_request_merged, pull_request_draft, pull_request_author, head_ref,
    head_sha, base_ref, merge_commit_sha, issue_number, issue_title, issue_state, labels, ref, branch, commit_sha,
    commit_message, commit_count, review_state, comment_body, check_name, check_status, check_conclusion, environment,
    deployment_state, release_tag, url, received_at, verbatim, mended)
SELECT u."position", u.id, u.tenant, u.event_type, u.action, u.delivery_id, u.hook_id, u.repository_full_name,
    u.repository_id, u.organization_login, u.sender_login, u.sender_type, u.sender_id, u.number,
    u.pull_request_number, u.pull_request_title, u.pull_request_state, u.pull_request_merged, u.pull_request_draft,
    u.pull_request_author, u.head_ref, u.head_sha, u.base_ref, u.merge_commit_sha, u.issue_number, u.issue_title,
    u.issue_state, ARRAY(SELECT jsonb_array_elements_text(u.labels)), u.ref, u.branch, u.commit_sha, u.commit_message,
    u.commit_count, u.review_state, u.comment_body, u.check_name, u.check_status, u.check_conclusion, u.environment,
    u.deployment_state, u.release_tag, u.url, u.received_at, u.verbatim, u.mended::jsonb
FROM unnest($1::bigint[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[],
    $9::bigint[], $10::text[], $11::text[], $12::text[], $13::bigint[], $14::bigint[], $15::bigint[], $16::text[],
    $17::text[], $18::boolean[], $19::boolean[], $20::text[], $21::text[], $22::text[], $23::text[], $24::text[],
    $25::bigint[], $26::text[], $27::text[], $28::jsonb[], $29::text[], $30::text[], $31::text[], $32::text[],
    $33::integer[], $34::text[], $35::text[], $36::text[], $37::text[], $38::text[], $39::text[], $40::text[],
    $41::text[], $42::text[], $43::timestamptz[], $44::boolean[], $45::text[])
    AS u ("position", id, tenant, event_type, action, delivery_id, hook_id, repository_full_name, repository_id,
    organization_login, sender_login, sender_type, sender_id, number, pull_request_number, pull_request_title,
    pull_request_state, pull_request_merged, pull_request_draft, pull_request_author, head_ref, head_sha, base_ref,
    merge_commit_sha, issue_number, issue_title, issue_state, labels, ref, branch, commit_sha, commit_message,
    commit_count, review_state, comment_body, check_name, check_status, check_conclusion, environment,
    deployment_state, release_tag, url, received_at, verbatim, mended)
