-- How far each issue is
-- Each issue of Linear that a pull request is for: its state, the pull requests and how they stand, the last outcome of
-- their checks, and where the change runs.
WITH issues AS (
    SELECT DISTINCT ON (issue_identifier) issue_identifier, issue_title, state_name, assignee_name
    FROM linear_events
    WHERE event_type = 'Issue'
    ORDER BY issue_identifier, "position" DESC),
pull_requests AS (
    SELECT DISTINCT ON (repository_full_name, pull_request_number)
           'github:' || repository_full_name || '#' || pull_request_number AS subject,
           CASE WHEN pull_request_merged THEN 'merged' ELSE pull_request_state END AS state,
           head_sha, merge_commit_sha
    FROM github_events
    WHERE event_type = 'pull_request' AND pull_request_number IS NOT NULL
    ORDER BY repository_full_name, pull_request_number, "position" DESC),
checks AS (
    SELECT DISTINCT ON (commit_sha) commit_sha, check_conclusion
    FROM github_events
    WHERE check_conclusion IS NOT NULL
    ORDER BY commit_sha, "position" DESC)
SELECT i.issue_identifier AS issue, i.issue_title AS title, i.state_name AS state, i.assignee_name AS assignee,
       p.subject AS pull_request, p.state AS pull_request_state, c.check_conclusion AS last_check,
       (SELECT array_agg(DISTINCT d.environment) FROM deployment_outcomes d
        WHERE d.outcome = 'success' AND lower(d.commit_sha) = p.merge_commit_sha AND p.state = 'merged') AS deployed_to
FROM issues i
JOIN correlated_events l ON l.correlation_type = 'pr_to_issue' AND l.related_subject = 'linear:' || i.issue_identifier
JOIN pull_requests p ON lower(p.subject) = lower(l.subject)
LEFT JOIN checks c ON c.commit_sha = p.head_sha
ORDER BY i.issue_identifier, p.subject
