-- DORA's four keys, by day, week and month, for each repository, each team, and all of a tenant.
CREATE VIEW public.dora_metrics AS
WITH flow AS (
    SELECT f.tenant, f.key, f.repository, f.teams, f.deployed_at, f.cycle_hours, lower(p.merge_commit_sha) AS merge_commit_sha, p.merged_at
    FROM public.pull_request_flow f
    JOIN public.pull_requests p ON p.tenant = f.tenant AND p.key = f.key),
production AS (SELECT * FROM public.deployment_outcomes WHERE is_production),
-- Those of a team's own commits, and those that were to bring one of its pull requests, through the first that did.
deployment_teams AS (
    SELECT f.tenant, d."position", team
    FROM flow f
    CROSS JOIN unnest(f.teams) team
    JOIN production d ON d.tenant = f.tenant AND lower(d.commit_sha) = f.merge_commit_sha
    UNION
    SELECT f.tenant, d."position", team
    FROM flow f
    CROSS JOIN unnest(f.teams) team
    CROSS JOIN LATERAL (
        SELECT d."position"
        FROM public.pull_request_told t
        JOIN public.pull_request_landings l ON l.tenant = t.tenant AND l.key = t.key
        CROSS JOIN unnest(t.repositories) AS n (repository)
        CROSS JOIN LATERAL (
            SELECT d."position" FROM public.deployment_commits d
            WHERE d.tenant = f.tenant AND lower(d.repository) = n.repository AND d.is_production
              AND d.finished_at >= f.merged_at - interval '1 hour' AND d.finished_at <= f.deployed_at
              -- As in pull_request_deployed.
              AND coalesce(d.landed_at >= l.landed_at[array_position(l.branches, d.branch)] AND d.began_at >= d.landed_at - interval '1 hour', false)
            OFFSET 0) AS d
        WHERE t.tenant = f.tenant AND t.key = f.key OFFSET 0) AS d
    WHERE f.deployed_at IS NOT NULL),
facts AS (
    SELECT 'repository' AS scope, d.repository AS name, d.tenant, d.finished_at AS at, d.outcome, d.failed_change_because, d.begins_outage, d.hours_to_restore, NULL::numeric AS lead_hours
    FROM production d WHERE d.repository IS NOT NULL
    UNION ALL
    SELECT 'team', t.team, d.tenant, d.finished_at, d.outcome, d.failed_change_because, d.begins_outage, d.hours_to_restore, NULL
    FROM production d JOIN deployment_teams t ON t.tenant = d.tenant AND t."position" = d."position"
    UNION ALL
    SELECT 'all', NULL, d.tenant, d.finished_at, d.outcome, d.failed_change_because, d.begins_outage, d.hours_to_restore, NULL
    FROM production d
    UNION ALL
    SELECT 'repository', f.repository, f.tenant, f.deployed_at, NULL, NULL, NULL, NULL, f.cycle_hours
    FROM flow f WHERE f.deployed_at IS NOT NULL AND f.repository IS NOT NULL
    UNION ALL
    SELECT 'team', team, f.tenant, f.deployed_at, NULL, NULL, NULL, NULL, f.cycle_hours
    FROM flow f, unnest(f.teams) team WHERE f.deployed_at IS NOT NULL
    UNION ALL
    SELECT 'all', NULL, f.tenant, f.deployed_at, NULL, NULL, NULL, NULL, f.cycle_hours
    FROM flow f WHERE f.deployed_at IS NOT NULL),
periods (period, days) AS (VALUES ('day', interval '1 day'), ('week', interval '7 days'), ('month', interval '1 month'))
SELECT f.tenant,
       f.scope,
       f.name,
       p.period,
       date_trunc(p.period, f.at AT TIME ZONE 'UTC')::date AS period_start,
       count(*) FILTER (WHERE f.outcome = 'success') AS deployments,
       round(count(*) FILTER (WHERE f.outcome = 'success')
             / extract(day FROM date_trunc(p.period, f.at AT TIME ZONE 'UTC') + p.days - date_trunc(p.period, f.at AT TIME ZONE 'UTC')), 4) AS deployments_per_day,
       count(f.lead_hours) AS changes,
       round(percentile_cont(0.5) WITHIN GROUP (ORDER BY f.lead_hours)::numeric, 2) AS median_lead_hours,
       round(percentile_cont(0.9) WITHIN GROUP (ORDER BY f.lead_hours)::numeric, 2) AS p90_lead_hours,
       count(*) FILTER (WHERE f.outcome = 'failure') AS failed_deployments,
       count(f.failed_change_because) AS failed_changes,
       round(count(f.failed_change_because) / nullif(count(f.outcome), 0)::numeric, 4) AS change_failure_rate,
       count(*) FILTER (WHERE f.begins_outage) AS outages,
       count(f.hours_to_restore) FILTER (WHERE f.begins_outage) AS restored_outages,
       round((percentile_cont(0.5) WITHIN GROUP (ORDER BY f.hours_to_restore) FILTER (WHERE f.begins_outage))::numeric, 2) AS median_hours_to_restore
FROM facts f CROSS JOIN periods p
GROUP BY f.tenant, f.scope, f.name, p.period, p.days, date_trunc(p.period, f.at AT TIME ZONE 'UTC');

COMMENT ON VIEW public.dora_metrics IS 'DORA''s four keys of production: deployment frequency, lead time for changes, change failure rate, time to restore; per repository, per Linear team and for all, by day, week and month (UTC). Choose one scope and one period: WHERE scope = ''repository'' AND period = ''week''. A period in which nothing was deployed has no row.';
COMMENT ON COLUMN public.dora_metrics.tenant IS 'Whose it is; "default" unless several tenants are configured.';
COMMENT ON COLUMN public.dora_metrics.scope IS 'repository, team or all: what name is. The scopes count the same deployments, so never add them up.';
COMMENT ON COLUMN public.dora_metrics.name IS 'owner/name of the repository, or key of the Linear team (HEL) whose issues the pull requests are for; NULL for all. A deployment is a team''s when its commit is, or when it was the first to bring one of the team''s pull requests, or failed before that.';
COMMENT ON COLUMN public.dora_metrics.period IS 'day, week or month.';
COMMENT ON COLUMN public.dora_metrics.period_start IS 'First day of the period, UTC; Monday for a week.';
COMMENT ON COLUMN public.dora_metrics.deployments IS 'Successful deployments to production that ended in the period.';
COMMENT ON COLUMN public.dora_metrics.deployments_per_day IS 'The same divided by the days of the whole period.';
COMMENT ON COLUMN public.dora_metrics.changes IS 'Pull requests that reached production in the period and whose lead time is known.';
COMMENT ON COLUMN public.dora_metrics.median_lead_hours IS 'Lead time for changes: hours from a pull request''s first commit to production (pull_request_flow.cycle_hours), median; NULL when there are none.';
COMMENT ON COLUMN public.dora_metrics.p90_lead_hours IS 'The same, 90th percentile.';
COMMENT ON COLUMN public.dora_metrics.failed_deployments IS 'Deployments to production that ended in failure.';
COMMENT ON COLUMN public.dora_metrics.failed_changes IS 'Deployments to production that were a change that failed: failed_deployments, and those that succeeded and were rolled back or whose work was reverted (deployment_outcomes.failed_change_because); counted in the period in which they ended.';
COMMENT ON COLUMN public.dora_metrics.change_failure_rate IS 'failed_changes of all that ended, from 0 to 1; NULL when none ended.';
COMMENT ON COLUMN public.dora_metrics.outages IS 'Failed changes without those that directly followed a failed deployment and failed themselves, in the same repository and environment (deployment_outcomes.begins_outage).';
COMMENT ON COLUMN public.dora_metrics.restored_outages IS 'Those of them that were repaired: by a later success, by going back, or by taking back.';
COMMENT ON COLUMN public.dora_metrics.median_hours_to_restore IS 'Time to restore: hours from the end of the deployment that began the outage to that of the one that repaired it, median; counted in the period of the former.';
