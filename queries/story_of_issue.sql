-- Story of an issue
-- How far is an issue: its pull requests with the time of each step and what each waited for, or the issue alone when
-- there is no pull request yet?
-- $1 issue text = linear:HEL-42: linear:HEL-42 or github:owner/name#7
SELECT w.state, w.is_complete, w.pull_request, w.title, w.author, w.issue_created_at, w.issue_started_at, w.first_commit_at, w.opened_at,
       w.first_review_at, w.approved_at, w.merged_at, w.deployed_at, w.review_wait, w.merge_wait, w.deploy_wait, w.lead_time
FROM workflows w
-- As an array, so that PostgreSQL looks up these stories instead of telling every one first.
WHERE w."position" = ANY (ARRAY(
          SELECT i."position" FROM issue_names n JOIN issues i ON i.tenant = n.tenant AND i.key = n.key WHERE n.name = lower($1)
          UNION
          SELECT p."position"
          FROM issue_names n
          CROSS JOIN LATERAL (SELECT c.name FROM issue_names c WHERE c.tenant = n.tenant AND c.key = n.key OFFSET 0) AS called
          CROSS JOIN LATERAL (SELECT DISTINCT l.pull_request FROM pull_request_links l WHERE l.tenant = n.tenant AND l.issue = called.name) AS l
          CROSS JOIN LATERAL (SELECT p."position" FROM pull_requests p WHERE p.tenant = n.tenant AND lower(p.subject) = l.pull_request OFFSET 0) AS p
          WHERE n.name = lower($1)))
  AND EXISTS (SELECT FROM issue_names n WHERE n.tenant = w.tenant AND n.name = lower($1) AND n.subject = ANY (w.issues))
ORDER BY w.opened_at
