-- Review activity
-- Who reviewed how many pull requests of others, and what they said of them. Bots are left out.
WITH said AS (
    SELECT p.repository, lower(v.reviewer) AS who, v.reviewer, v.pull_request_key, v.state, v.submitted_at AS at, false AS is_comment
    FROM reviews_by_others v
    JOIN pull_requests p ON p.tenant = v.tenant AND p.key = v.pull_request_key
    UNION ALL
    SELECT p.repository, lower(c.author), c.author, p.key, NULL, c.created_at, true
    FROM comments c
    JOIN pull_requests p ON p.tenant = c.tenant AND p.key = c.parent_key
    WHERE c.kind = 'pull_request_review_comment' AND NOT c.is_deleted
      AND c.author NOT LIKE '%[bot]' AND lower(c.author) <> 'copilot' AND lower(c.author) IS DISTINCT FROM lower(p.author))
SELECT repository, max(reviewer) AS reviewer, count(DISTINCT pull_request_key) AS pull_requests,
       count(*) FILTER (WHERE state = 'approved') AS approved,
       count(*) FILTER (WHERE state = 'changes_requested') AS changes_requested,
       count(*) FILTER (WHERE is_comment) AS comments,
       max(at) AS last_at
FROM said
GROUP BY repository, who
ORDER BY pull_requests DESC, last_at DESC
