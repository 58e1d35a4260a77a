-- Failed deployments
-- Which deployments failed, and how long did it take until the next one succeeded?
-- $1 days integer = 30: how many days back
-- $2 environment text optional: as its source writes it; all of them when it is left out
SELECT repository, environment, deployment_id, creator, finished_at, begins_outage, restored_at, hours_to_restore, commit_sha
FROM deployment_outcomes
WHERE outcome = 'failure' AND finished_at >= now() - make_interval(days => $1::integer) AND ($2 IS NULL OR environment = $2)
ORDER BY finished_at DESC, deployment_id
