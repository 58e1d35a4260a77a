-- How each deployment ended, whether it was a change that failed, and how long it took until another one repaired that. Its neighbours
-- in the same repository and environment are looked up from the one deployment.
CREATE VIEW public.deployment_outcomes AS
SELECT e.tenant,
       e.source,
       e.deployment_id,
       e.repository,
       e.environment,
       e.is_production,
       e.commit_sha,
       e.creator,
       e.outcome,
       coalesce(k.is_rollback, false) AS is_rollback,
       w.failed_change_because,
       e.started_at,
       e.finished_at,
       hooklake.hours(e.started_at, e.finished_at) AS duration_hours,
       CASE WHEN e.outcome = 'failure' THEN before.outcome IS DISTINCT FROM 'failure' ELSE w.failed_change_because IS NOT NULL END AS begins_outage,
       w.restored_at,
       hooklake.hours(e.finished_at, w.restored_at) AS hours_to_restore,
       e.url,
       e."position"
FROM public.deployment_ends e
LEFT JOIN LATERAL (
    SELECT o.outcome
    FROM public.deployment_ends o
    WHERE e.outcome = 'failure' AND o.tenant = e.tenant
      AND coalesce(lower(o.repository), '') = coalesce(lower(e.repository), '') AND coalesce(o.environment, '') = coalesce(e.environment, '')
      AND (o.finished_at, o."position") < (e.finished_at, e."position")
    ORDER BY o.finished_at DESC, o."position" DESC LIMIT 1) AS before ON true
LEFT JOIN LATERAL (
    SELECT o.finished_at, o."position"
    FROM public.deployment_ends o
    -- As in pull_request_deployed.
    WHERE nullif(o.outcome = 'success', false) IS NOT NULL AND o.tenant = e.tenant
      AND coalesce(lower(o.repository), '') = coalesce(lower(e.repository), '') AND coalesce(o.environment, '') = coalesce(e.environment, '')
      AND (o.finished_at, o."position") > (e.finished_at, e."position")
    ORDER BY o.finished_at, o."position" LIMIT 1) AS after ON true
-- What is not asked is said within each of these: PostgreSQL would look it up and leave it out afterwards.
LEFT JOIN LATERAL (
    SELECT k.is_rollback FROM public.deployment_rollbacks k WHERE k."position" = e."position" AND e.outcome = 'success' LIMIT 1) AS k ON true
LEFT JOIN LATERAL (
    SELECT n.is_rollback AS is_undone FROM public.deployment_rollbacks n
    WHERE n."position" = after."position" AND e.outcome = 'success' AND e.is_production AND NOT k.is_rollback LIMIT 1) AS u ON true
LEFT JOIN LATERAL (
    SELECT r.reverted_at FROM public.deployment_reverts r
    WHERE r."position" = e."position" AND e.outcome = 'success' AND e.is_production AND NOT k.is_rollback AND u.is_undone IS NOT TRUE LIMIT 1) AS r ON true
CROSS JOIN LATERAL (
    SELECT CASE WHEN NOT e.is_production THEN NULL
                WHEN e.outcome = 'failure' THEN 'failed'
                WHEN u.is_undone THEN 'rolled_back'
                WHEN r.reverted_at IS NOT NULL THEN 'reverted' END AS failed_change_because,
           CASE WHEN e.outcome = 'failure' OR u.is_undone THEN after.finished_at ELSE r.reverted_at END AS restored_at) AS w;

COMMENT ON VIEW public.deployment_outcomes IS 'Every deployment that has ended, with success or failure, one row each; whether it was a change that failed, and when that was repaired. Those under way are in deployments. One is found at once by deployment_id, the newest by ORDER BY finished_at DESC LIMIT, those of one repository since some time by lower(repository) and finished_at.';
COMMENT ON COLUMN public.deployment_outcomes.tenant IS 'Whose it is; "default" unless several tenants are configured.';
COMMENT ON COLUMN public.deployment_outcomes.source IS 'Who told it: deployment (posted to /events/deployment) or github.';
COMMENT ON COLUMN public.deployment_outcomes.deployment_id IS 'As its source names it; unique per source and environment.';
COMMENT ON COLUMN public.deployment_outcomes.repository IS 'owner/name, as the deployment named it; NULL when it did not.';
COMMENT ON COLUMN public.deployment_outcomes.environment IS 'Where to, as its source writes it.';
COMMENT ON COLUMN public.deployment_outcomes.is_production IS 'True when GitHub says that the environment is one of production, or its name has the word prod, production or live, but not pre-prod or non-live.';
COMMENT ON COLUMN public.deployment_outcomes.commit_sha IS 'The commit that was deployed; join with pull_requests on merge_commit_sha.';
COMMENT ON COLUMN public.deployment_outcomes.creator IS 'Who started it, as its source names them.';
COMMENT ON COLUMN public.deployment_outcomes.outcome IS 'success or failure: the last one told (deployment_ends). Cancelled deployments are not here.';
COMMENT ON COLUMN public.deployment_outcomes.is_rollback IS 'True for a success that went back to an earlier commit than the one that ran until then in the same repository and environment (deployment_rollbacks).';
COMMENT ON COLUMN public.deployment_outcomes.failed_change_because IS 'Why it was a change that failed, as DORA counts them (https://dora.dev/guides/dora-metrics-four-keys/): failed (the deployment itself), rolled_back (the next success in the same repository and environment went back to an earlier commit), reverted (it was the first to bring a pull request that another one took back, and that one reached production after it); the first of these that is true. NULL for what did not fail, and outside production. What goes back or takes back is none because of that.';
COMMENT ON COLUMN public.deployment_outcomes.started_at IS 'When it began, as its source says; NULL when it does not.';
COMMENT ON COLUMN public.deployment_outcomes.finished_at IS 'When it ended, as its source says, or else when that was received.';
COMMENT ON COLUMN public.deployment_outcomes.duration_hours IS 'From started_at to finished_at.';
COMMENT ON COLUMN public.deployment_outcomes.begins_outage IS 'True for a failure that did not follow another failure: failures in a row are one outage. True also for a success that was a failed change.';
COMMENT ON COLUMN public.deployment_outcomes.restored_at IS 'For a failure: when the next success in the same repository and environment ended; for what was rolled back when that ended, for what was reverted when the first deployment ended that took something of it back. NULL while there is none.';
COMMENT ON COLUMN public.deployment_outcomes.hours_to_restore IS 'Hours from finished_at to restored_at.';
COMMENT ON COLUMN public.deployment_outcomes.url IS 'Where the result runs, or the page of the deployment.';
COMMENT ON COLUMN public.deployment_outcomes."position" IS 'The event that told how it ended; join with events on it.';
