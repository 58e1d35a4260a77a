-- How far each issue is
-- Each issue of Linear that a pull request is for: its state, how far the pull request has come, its checks, and since when
-- the change is in production.
SELECT l.issue, l.issue_title AS title, i.state, i.assignees, w.pull_request, w.state AS pull_request_state, w.checks, w.deployed_at
FROM pull_request_issues l
-- By LIMIT each is planned for one issue and its pull request, and not for all of them.
CROSS JOIN LATERAL (SELECT i.state, i.assignees FROM issues i WHERE i.tenant = l.tenant AND i.key = l.issue_key AND NOT i.is_deleted LIMIT 1) i
CROSS JOIN LATERAL (SELECT w.* FROM workflows w WHERE w.tenant = l.tenant AND w.pull_request = l.pull_request LIMIT 1) w
WHERE l.issue_source = 'linear'
ORDER BY l.issue, w.pull_request
