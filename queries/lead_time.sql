-- Lead time to production
-- For each merged pull request, the hours from opening it to merging, and from merging to the first successful
-- deployment of its merge commit. Times are those of the payloads, not of receipt.
WITH merged AS (
    SELECT DISTINCT ON (repository_full_name, pull_request_number)
           repository_full_name, pull_request_number, pull_request_title, merge_commit_sha,
           (payload #>> '{pull_request,created_at}')::timestamptz AS opened_at,
           (payload #>> '{pull_request,merged_at}')::timestamptz AS merged_at
    FROM github_events
    WHERE event_type = 'pull_request' AND pull_request_merged
    ORDER BY repository_full_name, pull_request_number, "position" DESC)
SELECT m.repository_full_name AS repository, m.pull_request_number AS number, m.pull_request_title AS title, m.opened_at, m.merged_at,
       round(extract(epoch FROM m.merged_at - m.opened_at) / 3600, 1) AS hours_to_merge,
       d.environment, d.deployed_at,
       round(extract(epoch FROM d.deployed_at - m.merged_at) / 3600, 1) AS hours_to_deploy
FROM merged m
LEFT JOIN (
    SELECT commit_sha, environment, min(finished_at) AS deployed_at
    FROM deployment_outcomes
    WHERE outcome = 'success'
    GROUP BY commit_sha, environment) d ON d.commit_sha = m.merge_commit_sha
ORDER BY m.merged_at DESC NULLS LAST, number, d.deployed_at
