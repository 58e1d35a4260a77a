-- How each deployment ended, told once. Whatever tells of outcomes reads this: deployment_outcomes and deployed_commits.
-- Each is looked up by itself, so that one deployment, and those of one repository since some time, cost the same in a long log.
CREATE VIEW public.deployment_ends AS
SELECT e.tenant, e.origin AS source, e.deployment_id, e.repository_name AS repository, e.environment, e.commit_sha, e.creator, e.url,
       hooklake.deployment_outcome(e.status) AS outcome,
       b.told_at,
       b.started_at,
       coalesce(e.finished_at, e.received_at) AS finished_at,
       e."position",
       -- GitHub says it of environments by any name; the name is all that others give.
       coalesce(e.production_environment, false) OR hooklake.is_production(e.environment) AS is_production
FROM public.deployment_events e
CROSS JOIN LATERAL (
    SELECT min(s.started_at) AS started_at, min(s.received_at) AS told_at,
           (array_agg(s."position" ORDER BY s.at DESC, s."position" DESC) FILTER (WHERE s.outcome IS NOT NULL AND s.outcome IS DISTINCT FROM s.before))[1]
               AS ended_by
    FROM (
        SELECT s.started_at, s.received_at, s."position", t.at, t.outcome,
               -- What was told of it just before, of what says how it ended.
               lag(t.outcome) OVER (PARTITION BY t.outcome IS NULL ORDER BY t.at, s."position") AS before
        FROM public.deployment_events s
        CROSS JOIN LATERAL (SELECT coalesce(s.finished_at, s.received_at) AS at, hooklake.deployment_outcome(s.status) AS outcome) AS t
        WHERE s.deployment_id = e.deployment_id AND s.origin = e.origin AND s.tenant = e.tenant AND s.environment IS NOT DISTINCT FROM e.environment) AS s) AS b
-- It may be told twice, and GitHub calls a deployment inactive once another took its place: how it ended stays true.
-- PostgreSQL knows nothing of how many rows pass coalesce and so guesses half of them. It would guess one in thousands of
-- the bare comparisons, and then sort everything since some time instead of walking the index until the first fits.
WHERE coalesce(hooklake.deployment_outcome(e.status) IS NOT NULL, false) AND coalesce(b.ended_by = e."position", false);

COMMENT ON VIEW public.deployment_ends IS 'How each deployment ended: one row per deployment and environment that succeeded or failed. When its source told several outcomes, the last one counts, and it ended when that was first told. deployment_outcomes and deployed_commits have it from here; ask those.';
COMMENT ON COLUMN public.deployment_ends.source IS 'Who told it: deployment (posted to /events/deployment) or github.';
COMMENT ON COLUMN public.deployment_ends.deployment_id IS 'As its source names it; unique per source and environment.';
COMMENT ON COLUMN public.deployment_ends.repository IS 'owner/name, as the deployment named it; NULL when it did not.';
COMMENT ON COLUMN public.deployment_ends.outcome IS 'success or failure. Cancelled deployments are not here.';
COMMENT ON COLUMN public.deployment_ends.told_at IS 'When the first event of it was received.';
COMMENT ON COLUMN public.deployment_ends.started_at IS 'When it began, as its source says; NULL when it does not.';
COMMENT ON COLUMN public.deployment_ends.finished_at IS 'When it ended, as its source says, or else when that was received.';
COMMENT ON COLUMN public.deployment_ends."position" IS 'The event that told how it ended; join with events on it.';
COMMENT ON COLUMN public.deployment_ends.is_production IS 'True when GitHub says that the environment is one of production, or its name has the word prod, production or live, but not pre-prod or non-live.';
