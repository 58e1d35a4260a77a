-- What belongs to something
-- Everything that is linked with a pull request, issue, message, commit or deployment, and the words that say so.
-- $1 subject text = linear:HEL-42: github:owner/name#42, linear:HEL-42, slack:channel/ts, commit:sha, deployment:id
SELECT correlation_type, related_subject AS related, confidence, evidence_text, evidence_count
FROM correlated_events
WHERE lower(subject) = lower($1)
UNION ALL
SELECT correlation_type, subject, confidence, evidence_text, evidence_count
FROM correlated_events
WHERE lower(related_subject) = lower($1)
ORDER BY confidence DESC, correlation_type, related
