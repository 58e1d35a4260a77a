-- DORA's four keys
-- How often is production deployed to, how long do changes take, how many deployments fail or must be
-- undone, and how soon is that repaired? The newest periods first; dora_metrics says what each column means.
-- $1 scope repository|team|all = repository: what a row is about
-- $2 period day|week|month = week: how long one is
-- $3 name text optional: owner/name of the repository or key of the team; all of them when it is left out
-- $4 periods count = 12: how many rows at most for each name
SELECT name, period_start, deployments, deployments_per_day, median_lead_hours, change_failure_rate, median_hours_to_restore, changes, failed_deployments, failed_changes
FROM (SELECT d.*, row_number() OVER (PARTITION BY d.tenant, d.name ORDER BY d.period_start DESC) AS place
      FROM dora_metrics d
      WHERE d.scope = $1 AND d.period = $2 AND ($3 IS NULL OR lower(d.name) = lower($3))) d
WHERE d.place <= $4
ORDER BY name NULLS FIRST, period_start DESC
