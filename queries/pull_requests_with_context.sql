-- Pull requests with their issues and messages
-- For each pull request its newest title and state, the issues that it is for, and how often it came up in Slack.
WITH pull_requests AS (
    SELECT DISTINCT ON (repository_full_name, pull_request_number)
           'github:' || repository_full_name || '#' || pull_request_number AS subject, pull_request_title, pull_request_state,
           pull_request_merged, pull_request_author, received_at
    FROM github_events
    WHERE event_type = 'pull_request' AND pull_request_number IS NOT NULL
    ORDER BY repository_full_name, pull_request_number, received_at DESC, "position" DESC)
SELECT p.subject AS pull_request, p.pull_request_title AS title, p.pull_request_author AS author,
       CASE WHEN p.pull_request_merged THEN 'merged' ELSE p.pull_request_state END AS state,
       array_agg(DISTINCT c.related_subject) FILTER (WHERE c.correlation_type = 'pr_to_issue') AS issues,
       count(DISTINCT c.subject) FILTER (WHERE c.correlation_type = 'message_to_pr') AS messages,
       p.received_at AS last_change_at
FROM pull_requests p
LEFT JOIN correlated_events c
       ON (c.correlation_type = 'pr_to_issue' AND lower(c.subject) = lower(p.subject))
       OR (c.correlation_type = 'message_to_pr' AND lower(c.related_subject) = lower(p.subject))
GROUP BY p.subject, p.pull_request_title, p.pull_request_author, p.pull_request_merged, p.pull_request_state, p.received_at
ORDER BY p.received_at DESC
