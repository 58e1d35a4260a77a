-- What was deployed
-- Each deployment with its latest status, and the pull requests and issues that its commit brought.
WITH latest AS (
    SELECT DISTINCT ON (origin, deployment_id, environment) *
    FROM deployment_events
    ORDER BY origin, deployment_id, environment, "position" DESC)
SELECT d.environment, d.status, d.deployment_id, d.repository_name, d.commit_sha, d.finished_at,
       array_agg(DISTINCT p.related_subject) FILTER (WHERE p.related_subject IS NOT NULL) AS pull_requests,
       array_agg(DISTINCT i.related_subject) FILTER (WHERE i.related_subject IS NOT NULL) AS issues
FROM latest d
LEFT JOIN correlated_events p ON p.correlation_type = 'commit_to_pr' AND p.subject = 'commit:' || lower(d.commit_sha)
LEFT JOIN correlated_events i ON i.correlation_type = 'pr_to_issue' AND lower(i.subject) = lower(p.related_subject)
GROUP BY d."position", d.environment, d.status, d.deployment_id, d.repository_name, d.commit_sha, d.finished_at
ORDER BY d."position" DESC
