-- What every successful deployment brought: when it began and ended, and when its commit landed on which branch. Each is
-- looked up by itself, so that asking for those of one repository since some time costs the same in a long log.
CREATE VIEW public.deployed_commits AS
SELECT d.tenant, d.subject, d.repository, d.environment,
       hooklake.is_production(d.environment) AS is_production,
       d.commit_sha,
       coalesce(d.created_at, d.finished_at, d.version_at) AS began_at,
       s.finished_at, l.branch, l.landed_at
FROM public.deployments d
CROSS JOIN LATERAL (
    -- GitHub calls a deployment inactive once another took its place; how it ended stays true.
    SELECT min(coalesce((h.state ->> 'finished_at')::timestamptz, h.version_at)) AS finished_at
    FROM public.entity_history h
    WHERE h.tenant = d.tenant AND h.entity = 'deployment' AND h.key = d.key AND hooklake.deployment_outcome(h.state ->> 'status') = 'success') AS s
LEFT JOIN LATERAL (
    SELECT o.branch, o.landed_at
    FROM (SELECT q.base_ref AS branch, q.merged_at AS landed_at, 1 AS choice FROM public.pull_requests q
          WHERE q.tenant = d.tenant AND q.merge_commit_sha = lower(d.commit_sha) AND lower(q.repository) = lower(d.repository) AND q.is_merged
          UNION ALL
          -- A commit that was pushed without a pull request.
          SELECT (SELECT r.default_branch FROM public.repositories r WHERE r.tenant = d.tenant AND r.key = 'github:' || c.repository_id),
                 c.committed_at, 2
          FROM public.commits c
          WHERE c.tenant = d.tenant AND c.sha = lower(d.commit_sha) AND lower(c.repository) = lower(d.repository)) AS o
    ORDER BY o.choice, o.landed_at LIMIT 1) AS l ON true
WHERE s.finished_at IS NOT NULL;

COMMENT ON VIEW public.deployed_commits IS 'Every deployment that succeeded, with the commit that it brought and when that had landed on its branch. A merged pull request is in what landed at its merge or later: workflows.deployed_at is made of this.';
COMMENT ON COLUMN public.deployed_commits.subject IS 'deployment:<id>; with environment it is one of deployments.';
COMMENT ON COLUMN public.deployed_commits.repository IS 'owner/name.';
COMMENT ON COLUMN public.deployed_commits.is_production IS 'True when the environment has the word prod, production or live in its name, but not pre-prod or non-live.';
COMMENT ON COLUMN public.deployed_commits.began_at IS 'When it began, as far as anybody says.';
COMMENT ON COLUMN public.deployed_commits.finished_at IS 'When it first succeeded.';
COMMENT ON COLUMN public.deployed_commits.branch IS 'The branch that its commit landed on; NULL when the commit is unknown.';
COMMENT ON COLUMN public.deployed_commits.landed_at IS 'When the pull request was merged that made the commit, or when the commit was made that was pushed without one.';
