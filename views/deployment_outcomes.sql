-- How each deployment ended, and how long it took until the next one repaired what a failed one left.
CREATE VIEW public.deployment_outcomes AS
WITH told AS (
    SELECT d.tenant, d.origin, d.deployment_id, d.environment, d.repository_name, d.commit_sha, d.creator, d.url, d."position",
           hooklake.deployment_outcome(d.status) AS outcome,
           min(d.started_at) OVER same AS started_at,
           coalesce(d.finished_at, d.received_at) AS finished_at
    FROM public.deployment_events d
    WHERE d.deployment_id IS NOT NULL
    WINDOW same AS (PARTITION BY d.tenant, d.origin, d.deployment_id, d.environment)),
ended AS (
    SELECT DISTINCT ON (tenant, origin, deployment_id, environment) *
    FROM told
    -- GitHub calls a deployment inactive once another took its place; how it ended stays true.
    WHERE outcome IS NOT NULL
    ORDER BY tenant, origin, deployment_id, environment, finished_at DESC, "position" DESC),
followed AS (
    SELECT e.*,
           lag(outcome) OVER line AS outcome_before,
           min(finished_at) FILTER (WHERE outcome = 'success')
               OVER (line ROWS BETWEEN 1 FOLLOWING AND UNBOUNDED FOLLOWING) AS next_success_at
    FROM ended e
    WINDOW line AS (PARTITION BY tenant, lower(repository_name), environment ORDER BY finished_at, "position"))
SELECT tenant,
       origin AS source,
       deployment_id,
       repository_name AS repository,
       environment,
       hooklake.is_production(environment) AS is_production,
       commit_sha,
       creator,
       outcome,
       started_at,
       finished_at,
       hooklake.hours(started_at, finished_at) AS duration_hours,
       outcome = 'failure' AND outcome_before IS DISTINCT FROM 'failure' AS begins_outage,
       CASE WHEN outcome = 'failure' THEN next_success_at END AS restored_at,
       CASE WHEN outcome = 'failure' THEN hooklake.hours(finished_at, next_success_at) END AS hours_to_restore,
       url,
       "position"
FROM followed;

COMMENT ON VIEW public.deployment_outcomes IS 'Every deployment that has ended, with success or failure, one row each; and for a failed one when the next success in the same repository and environment repaired it. Those under way are in deployments.';
COMMENT ON COLUMN public.deployment_outcomes.tenant IS 'Whose it is; "default" unless several tenants are configured.';
COMMENT ON COLUMN public.deployment_outcomes.source IS 'Who told it: deployment (posted to /events/deployment) or github.';
COMMENT ON COLUMN public.deployment_outcomes.deployment_id IS 'As its source names it; unique per source and environment.';
COMMENT ON COLUMN public.deployment_outcomes.repository IS 'owner/name, as the deployment named it; NULL when it did not.';
COMMENT ON COLUMN public.deployment_outcomes.environment IS 'Where to, as its source writes it.';
COMMENT ON COLUMN public.deployment_outcomes.is_production IS 'True when the environment has the word prod, production or live in its name, but not pre-prod or non-live.';
COMMENT ON COLUMN public.deployment_outcomes.commit_sha IS 'The commit that was deployed; join with pull_requests on merge_commit_sha.';
COMMENT ON COLUMN public.deployment_outcomes.creator IS 'Who started it, as its source names them.';
COMMENT ON COLUMN public.deployment_outcomes.outcome IS 'success or failure: the last one told. Cancelled deployments are not here.';
COMMENT ON COLUMN public.deployment_outcomes.started_at IS 'When it began, as its source says; NULL when it does not.';
COMMENT ON COLUMN public.deployment_outcomes.finished_at IS 'When it ended, as its source says, or else when that was received.';
COMMENT ON COLUMN public.deployment_outcomes.duration_hours IS 'From started_at to finished_at.';
COMMENT ON COLUMN public.deployment_outcomes.begins_outage IS 'True for a failure that did not follow another failure: failures in a row are one outage.';
COMMENT ON COLUMN public.deployment_outcomes.restored_at IS 'For a failure: when the next success in the same repository and environment ended; NULL while there is none.';
COMMENT ON COLUMN public.deployment_outcomes.hours_to_restore IS 'For a failure: hours from finished_at to restored_at.';
COMMENT ON COLUMN public.deployment_outcomes.url IS 'Where the result runs, or the page of the deployment.';
COMMENT ON COLUMN public.deployment_outcomes."position" IS 'The event that told how it ended; join with events on it.';
