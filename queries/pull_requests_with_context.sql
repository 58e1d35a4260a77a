-- Pull requests with their issues and messages
-- For each pull request its title and state as they are now, the issues that it is for, and how many messages in Slack that are still there name it.
WITH messages AS (
    SELECT k.tenant, lower(k.related_subject) AS subject, count(DISTINCT lower(k.subject)) AS messages
    FROM known_links k
    WHERE k.correlation_type = 'message_to_pr'
      AND NOT EXISTS (SELECT FROM slack_messages m WHERE m.tenant = k.tenant AND m.subject = k.subject AND m.is_deleted)
    GROUP BY 1, 2)
SELECT f.subject AS pull_request, f.title, f.author, f.state, f.issues, coalesce(m.messages, 0) AS messages, p.updated_at AS last_change_at
FROM pull_request_flow f
JOIN pull_requests p ON p.tenant = f.tenant AND p.key = f.key
LEFT JOIN messages m ON m.tenant = f.tenant AND m.subject = lower(f.subject)
ORDER BY p.updated_at DESC NULLS LAST, f.subject
