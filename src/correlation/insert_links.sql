-- What each event gives evidence for.
INSERT INTO event_correlations ("position", event_id, tenant, correlation_type, rule, rule_version, subject,
    related_subject, evidence_field, evidence_text, evidence_start, evidence_end, confidence, team_key, received_at)
SELECT u."position", u.event_id, u.tenant, u.correlation_type, u.rule, $6::integer, u.subject, u.related_subject,
    u.evidence_field, u.evidence_text, u.evidence_start, u.evidence_end, u.confidence, u.team_key, u.received_at
FROM unnest($1::bigint[], $2::text[], $3::text[], $4::text[], $5::text[], $7::text[], $8::text[], $9::text[],
    $10::text[], $11::integer[], $12::integer[], $13::double precision[], $14::text[], $15::timestamptz[])
    AS u ("position", event_id, tenant, correlation_type, rule, subject, related_subject, evidence_field,
    evidence_text, evidence_start, evidence_end, confidence, team_key, received_at)
