-- Lead time to production
-- For each merged pull request, newest first, the hours from opening it to merging, and from merging to the end of the first
-- deployment that brought it to production.
SELECT repository, number, title, opened_at, merged_at, open_hours AS hours_to_merge, deployed_at, deploy_hours AS hours_to_deploy
FROM pull_request_flow
WHERE merged_at IS NOT NULL
ORDER BY merged_at DESC, repository, number
