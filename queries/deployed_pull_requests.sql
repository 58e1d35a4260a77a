-- What was deployed
-- Each deployment as it stands now, newest first, with the pull requests of its commit and the issues that they are for. What
-- had been merged before and came along is in what_shipped.
SELECT d.environment, d.status, d.deployment_id, d.repository, d.commit_sha, d.finished_at, w.pull_requests, w.issues
FROM deployments d
CROSS JOIN LATERAL (
    SELECT array_agg(DISTINCT p.subject) AS pull_requests,
           array_agg(DISTINCT l.issue) FILTER (WHERE l.issue IS NOT NULL) AS issues
    FROM known_links k
    JOIN pull_requests p ON p.tenant = k.tenant AND lower(p.subject) = lower(k.related_subject)
    LEFT JOIN pull_request_issues l ON l.tenant = p.tenant AND l.pull_request_key = p.key
    WHERE k.tenant = d.tenant AND lower(k.subject) = 'commit:' || lower(d.commit_sha) AND k.correlation_type = 'commit_to_pr') AS w
WHERE NOT d.is_deleted
ORDER BY d.version_at DESC, d.deployment_id
