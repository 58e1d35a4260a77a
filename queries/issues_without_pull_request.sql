-- Issues without a pull request
-- Which issues are done although no pull request is for them, or begun without one so far?
-- $1 team text optional: key of the Linear team
SELECT i.identifier, i.title, i.state, i.assignees, i.started_at, i.closed_at
FROM issues i
WHERE i.source = 'linear' AND NOT i.is_deleted AND i.state_type IN ('started', 'completed') AND ($1 IS NULL OR lower(i.team) = lower($1))
  AND NOT EXISTS (SELECT FROM pull_request_issues l WHERE l.tenant = i.tenant AND l.issue_key = i.key)
ORDER BY i.updated_at DESC NULLS LAST, i.identifier
