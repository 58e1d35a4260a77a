-- Story of an issue
-- How far is an issue: its pull requests with the time of each step and what each waited for, or the issue alone when
-- there is no pull request yet?
-- $1 issue text = linear:HEL-42: linear:HEL-42 or github:owner/name#7
SELECT w.state, w.is_complete, w.pull_request, w.title, w.author, w.issue_created_at, w.issue_started_at, w.first_commit_at, w.opened_at,
       w.first_review_at, w.approved_at, w.merged_at, w.deployed_at, w.review_wait, w.merge_wait, w.deploy_wait, w.lead_time
FROM workflows w
-- As an array, so that PostgreSQL looks up these stories instead of telling every one first.
WHERE w."position" = ANY (ARRAY(
          SELECT i."position" FROM issues i WHERE lower(i.subject) = lower($1)
          UNION
          SELECT p."position"
          FROM (SELECT tenant, subject AS pull_request FROM known_links WHERE lower(related_subject) = lower($1) AND correlation_type = 'pr_to_issue'
                UNION
                SELECT tenant, related_subject FROM known_links WHERE lower(subject) = lower($1) AND correlation_type = 'issue_to_pr') AS k
          JOIN pull_requests p ON p.tenant = k.tenant AND lower(p.subject) = lower(k.pull_request)))
  AND EXISTS (SELECT FROM unnest(w.issues) AS named (issue) WHERE lower(named.issue) = lower($1))
ORDER BY w.opened_at
