-- What happens to pull requests, from the lake
-- How often was each thing done to pull requests, and to how many of them?
-- over: lake
-- $1 repository text optional: owner/name; all of them when it is left out
SELECT repository_full_name AS repository, action, count(*) AS events, count(DISTINCT pull_request_number) AS pull_requests
FROM github_events
WHERE event_type = 'pull_request' AND (CAST($1 AS VARCHAR) IS NULL OR lower(repository_full_name) = lower(CAST($1 AS VARCHAR)))
GROUP BY repository_full_name, action
ORDER BY events DESC, repository, action
