-- How each deployment ended, and how long it took until the next one repaired what a failed one left. Its neighbours in the
-- same repository and environment are looked up from the one deployment.
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
       e.started_at,
       e.finished_at,
       hooklake.hours(e.started_at, e.finished_at) AS duration_hours,
       e.outcome = 'failure' AND before.outcome IS DISTINCT FROM 'failure' AS begins_outage,
       after.finished_at AS restored_at,
       hooklake.hours(e.finished_at, after.finished_at) AS hours_to_restore,
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
    SELECT o.finished_at
    FROM public.deployment_ends o
    WHERE e.outcome = 'failure' AND coalesce(o.outcome = 'success', false) AND o.tenant = e.tenant
      AND coalesce(lower(o.repository), '') = coalesce(lower(e.repository), '') AND coalesce(o.environment, '') = coalesce(e.environment, '')
      AND (o.finished_at, o."position") > (e.finished_at, e."position")
    ORDER BY o.finished_at, o."position" LIMIT 1) AS after ON true;

COMMENT ON VIEW public.deployment_outcomes IS 'Every deployment that has ended, with success or failure, one row each; and for a failed one when the next success in the same repository and environment repaired it. Those under way are in deployments. One is found at once by deployment_id, the newest by ORDER BY finished_at DESC LIMIT, those of one repository since some time by lower(repository) and finished_at.';
COMMENT ON COLUMN public.deployment_outcomes.tenant IS 'Whose it is; "default" unless several tenants are configured.';
COMMENT ON COLUMN public.deployment_outcomes.source IS 'Who told it: deployment (posted to /events/deployment) or github.';
COMMENT ON COLUMN public.deployment_outcomes.deployment_id IS 'As its source names it; unique per source and environment.';
COMMENT ON COLUMN public.deployment_outcomes.repository IS 'owner/name, as the deployment named it; NULL when it did not.';
COMMENT ON COLUMN public.deployment_outcomes.environment IS 'Where to, as its source writes it.';
COMMENT ON COLUMN public.deployment_outcomes.is_production IS 'True when GitHub says that the environment is one of production, or its name has the word prod, production or live, but not pre-prod or non-live.';
COMMENT ON COLUMN public.deployment_outcomes.commit_sha IS 'The commit that was deployed; join with pull_requests on merge_commit_sha.';
COMMENT ON COLUMN public.deployment_outcomes.creator IS 'Who started it, as its source names them.';
COMMENT ON COLUMN public.deployment_outcomes.outcome IS 'success or failure: the last one told (deployment_ends). Cancelled deployments are not here.';
COMMENT ON COLUMN public.deployment_outcomes.started_at IS 'When it began, as its source says; NULL when it does not.';
COMMENT ON COLUMN public.deployment_outcomes.finished_at IS 'When it ended, as its source says, or else when that was received.';
COMMENT ON COLUMN public.deployment_outcomes.duration_hours IS 'From started_at to finished_at.';
COMMENT ON COLUMN public.deployment_outcomes.begins_outage IS 'True for a failure that did not follow another failure: failures in a row are one outage.';
COMMENT ON COLUMN public.deployment_outcomes.restored_at IS 'For a failure: when the next success in the same repository and environment ended; NULL while there is none.';
COMMENT ON COLUMN public.deployment_outcomes.hours_to_restore IS 'For a failure: hours from finished_at to restored_at.';
COMMENT ON COLUMN public.deployment_outcomes.url IS 'Where the result runs, or the page of the deployment.';
COMMENT ON COLUMN public.deployment_outcomes."position" IS 'The event that told how it ended; join with events on it.';
