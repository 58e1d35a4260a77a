-- What each event names by a name that another event must explain.
INSERT INTO alias_mentions ("position", event_id, tenant, relation, rule, rule_version, subject, alias, evidence_field,
    evidence_text, evidence_start, evidence_end, confidence, received_at, team_key)
SELECT u."position", u.event_id, u.tenant, u.relation, u.rule, $6::integer, u.subject, u.alias, u.evidence_field,
    u.evidence_text, u.evidence_start, u.evidence_end, u.confidence, u.received_at, u.team_key
FROM unnest($1::bigint[], $2::text[], $3::text[], $4::text[], $5::text[], $7::text[], $8::text[], $9::text[],
    $10::text[], $11::integer[], $12::integer[], $13::double precision[], $14::timestamptz[], $15::text[])
    AS u ("position", event_id, tenant, relation, rule, subject, alias, evidence_field, evidence_text, evidence_start,
    evidence_end, confidence, received_at, team_key)
