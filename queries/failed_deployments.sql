-- Failed deployments
-- Which deployments failed, or brought to production what had to be undone, and how long did it take until that was repaired?
-- $1 days count = 30: how many days back
-- $2 environment text optional: as its source writes it; all of them when it is left out
SELECT repository, environment, deployment_id, creator, finished_at, coalesce(failed_change_because, 'failed') AS because, begins_outage, restored_at, hours_to_restore, commit_sha
FROM deployment_outcomes
WHERE (outcome = 'failure' OR failed_change_because IS NOT NULL) AND finished_at >= now() - make_interval(days => $1::integer) AND ($2 IS NULL OR environment = $2)
ORDER BY finished_at DESC, deployment_id
