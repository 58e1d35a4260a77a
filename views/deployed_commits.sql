-- What every successful deployment brought: when it began and ended, and when its commit landed on which branch.
CREATE VIEW public.deployed_commits AS
SELECT e.tenant,
       'deployment:' || CASE e.source WHEN 'github' THEN 'github/' ELSE '' END || e.deployment_id AS subject,
       e.repository, e.environment,
       hooklake.is_production(e.environment) AS is_production,
       e.commit_sha,
       least(coalesce(e.started_at, e.told_at), e.finished_at) AS began_at,
       e.finished_at,
       l.branch, l.landed_at
FROM public.deployment_ends e
LEFT JOIN LATERAL (
    SELECT o.branch, o.landed_at
    FROM (SELECT q.base_ref AS branch, q.merged_at AS landed_at, 1 AS choice FROM public.pull_requests q
          WHERE q.tenant = e.tenant AND q.merge_commit_sha = lower(e.commit_sha) AND lower(q.repository) = lower(e.repository) AND q.is_merged
          UNION ALL
          -- A commit that was pushed without a pull request.
          SELECT (SELECT r.default_branch FROM public.repositories r WHERE r.tenant = e.tenant AND r.key = 'github:' || c.repository_id),
                 c.committed_at, 2
          FROM public.commits c
          WHERE c.tenant = e.tenant AND c.sha = lower(e.commit_sha) AND lower(c.repository) = lower(e.repository)) AS o
    ORDER BY o.choice, o.landed_at LIMIT 1) AS l ON true
-- In coalesce for the reason that deployment_ends has.
WHERE coalesce(e.outcome = 'success', false);

COMMENT ON VIEW public.deployed_commits IS 'Every deployment that ended in success (deployment_outcomes), with the commit that it brought and when that had landed on its branch. A merged pull request is in what landed at its merge or later: workflows.deployed_at is made of this. Those of one repository are found at once by lower(repository), the newest by finished_at.';
COMMENT ON COLUMN public.deployed_commits.subject IS 'deployment:<id>; with environment it is one of deployments.';
COMMENT ON COLUMN public.deployed_commits.repository IS 'owner/name.';
COMMENT ON COLUMN public.deployed_commits.is_production IS 'True when the environment has the word prod, production or live in its name, but not pre-prod or non-live.';
COMMENT ON COLUMN public.deployed_commits.began_at IS 'When it began, as its source says, or else when it was first told of; never later than finished_at.';
COMMENT ON COLUMN public.deployed_commits.finished_at IS 'When it succeeded, as its source says, or else when that was received.';
COMMENT ON COLUMN public.deployed_commits.branch IS 'The branch that its commit landed on; NULL when the commit is unknown.';
COMMENT ON COLUMN public.deployed_commits.landed_at IS 'When the pull request was merged that made the commit, or when the commit was made that was pushed without one.';
