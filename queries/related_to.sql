-- What belongs to something
-- Everything that is linked with a pull request, issue, message, commit or deployment, and the words that say so.
-- $1 subject text = linear:HEL-42: github:owner/name#42, linear:HEL-42, slack:channel/ts, commit:sha, deployment:id
SELECT correlation_type, CASE WHEN lower(subject) = lower($1) THEN related_subject ELSE subject END AS related, confidence, evidence_text, evidence_count
FROM correlated_events
WHERE lower($1) IN (lower(subject), lower(related_subject))
ORDER BY confidence DESC, correlation_type, related
