-- What every successful deployment brought: when it began and first succeeded, and when its commit landed on which branch.
-- Each is looked up by itself, so that asking for those of one repository since some time costs the same in a long log.
CREATE VIEW public.deployed_commits AS
SELECT e.tenant,
       'deployment:' || CASE e.origin WHEN 'github' THEN 'github/' ELSE '' END || e.deployment_id AS subject,
       e.repository_name AS repository, e.environment,
       hooklake.is_production(e.environment) AS is_production,
       e.commit_sha,
       least(b.began_at, coalesce(e.finished_at, e.received_at)) AS began_at,
       coalesce(e.finished_at, e.received_at) AS finished_at,
       l.branch, l.landed_at
FROM public.deployment_events e
CROSS JOIN LATERAL (
    SELECT coalesce(min(b.started_at), min(b.received_at)) AS began_at,
           (array_agg(b."position" ORDER BY coalesce(b.finished_at, b.received_at), b."position")
                FILTER (WHERE hooklake.deployment_outcome(b.status) = 'success'))[1] AS first_success
    FROM public.deployment_events b
    WHERE b.deployment_id = e.deployment_id AND b.origin = e.origin AND b.tenant = e.tenant AND b.environment IS NOT DISTINCT FROM e.environment) AS b
LEFT JOIN LATERAL (
    SELECT o.branch, o.landed_at
    FROM (SELECT q.base_ref AS branch, q.merged_at AS landed_at, 1 AS choice FROM public.pull_requests q
          WHERE q.tenant = e.tenant AND q.merge_commit_sha = lower(e.commit_sha) AND lower(q.repository) = lower(e.repository_name) AND q.is_merged
          UNION ALL
          -- A commit that was pushed without a pull request.
          SELECT (SELECT r.default_branch FROM public.repositories r WHERE r.tenant = e.tenant AND r.key = 'github:' || c.repository_id),
                 c.committed_at, 2
          FROM public.commits c
          WHERE c.tenant = e.tenant AND c.sha = lower(e.commit_sha) AND lower(c.repository) = lower(e.repository_name)) AS o
    ORDER BY o.choice, o.landed_at LIMIT 1) AS l ON true
-- It may be told twice, and GitHub calls a deployment inactive once another took its place: how it first ended stays true.
-- PostgreSQL knows nothing of how many rows pass coalesce and so guesses half of them. It would guess one in thousands of
-- the bare comparisons, and then sort everything since some time instead of walking the index until the first fits.
WHERE coalesce(hooklake.deployment_outcome(e.status) = 'success', false) AND coalesce(b.first_success = e."position", false);

COMMENT ON VIEW public.deployed_commits IS 'Every deployment that succeeded, with the commit that it brought and when that had landed on its branch. A merged pull request is in what landed at its merge or later: workflows.deployed_at is made of this. Those of one repository are found at once by lower(repository), the newest by finished_at.';
COMMENT ON COLUMN public.deployed_commits.subject IS 'deployment:<id>; with environment it is one of deployments.';
COMMENT ON COLUMN public.deployed_commits.repository IS 'owner/name.';
COMMENT ON COLUMN public.deployed_commits.is_production IS 'True when the environment has the word prod, production or live in its name, but not pre-prod or non-live.';
COMMENT ON COLUMN public.deployed_commits.began_at IS 'When it began, as its source says, or else when it was first told of; never later than finished_at.';
COMMENT ON COLUMN public.deployed_commits.finished_at IS 'When it first succeeded, as its source says, or else when that was received.';
COMMENT ON COLUMN public.deployed_commits.branch IS 'The branch that its commit landed on; NULL when the commit is unknown.';
COMMENT ON COLUMN public.deployed_commits.landed_at IS 'When the pull request was merged that made the commit, or when the commit was made that was pushed without one.';
