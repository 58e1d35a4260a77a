-- Review activity
-- Who reviewed how many pull requests, and what they said of them.
SELECT repository_full_name AS repository, sender_login AS reviewer, count(DISTINCT pull_request_number) AS pull_requests,
       count(*) FILTER (WHERE review_state = 'approved') AS approved,
       count(*) FILTER (WHERE review_state = 'changes_requested') AS changes_requested,
       count(*) FILTER (WHERE event_type = 'pull_request_review_comment') AS comments,
       max(received_at) AS last_at
FROM github_events
WHERE event_type IN ('pull_request_review', 'pull_request_review_comment') AND action IN ('submitted', 'created')
GROUP BY 1, 2
ORDER BY pull_requests DESC, last_at DESC
