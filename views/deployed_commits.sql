-- What every successful deployment brought: when it began and ended, and when its commit landed on which branch.
CREATE VIEW public.deployed_commits AS
SELECT e.tenant,
       'deployment:' || CASE e.source WHEN 'github' THEN 'github/' ELSE '' END || e.deployment_id AS subject,
       e.repository, e.environment,
       e.is_production,
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
          -- A commit that was pushed without a pull request: to the default branch, unless pushes tell of others only.
          SELECT r.default_branch, c.committed_at, 2
          FROM public.commits c
          LEFT JOIN public.repositories r ON r.tenant = c.tenant AND r.key = 'github:' || c.repository_id
          WHERE c.tenant = e.tenant AND c.sha = lower(e.commit_sha) AND lower(c.repository) = lower(e.repository)
            AND (SELECT coalesce(bool_or(lower(k.related_subject) = lower('branch:' || c.repository || '@' || r.default_branch)), true)
                 FROM public.event_correlations k
                 WHERE k.tenant = c.tenant AND lower(k.subject) = lower('commit:' || c.sha) AND k.correlation_type = 'commit_to_branch')) AS o
    ORDER BY o.choice, o.landed_at LIMIT 1) AS l ON true
-- In coalesce for the reason that deployment_ends has.
WHERE coalesce(e.outcome = 'success', false);

COMMENT ON VIEW public.deployed_commits IS 'Every deployment that ended in success (deployment_outcomes), with the commit that it brought and when that had landed on its branch. A merged pull request is in what landed at its merge or later: workflows.deployed_at is made of this. Those of one repository are found at once by lower(repository), the newest by finished_at.';
COMMENT ON COLUMN public.deployed_commits.subject IS 'deployment:<id>; with environment it is one of deployments.';
COMMENT ON COLUMN public.deployed_commits.repository IS 'owner/name.';
COMMENT ON COLUMN public.deployed_commits.is_production IS 'True when GitHub says that the environment is one of production, or its name has the word prod, production or live, but not pre-prod or non-live.';
COMMENT ON COLUMN public.deployed_commits.began_at IS 'When it began, as its source says, or else when it was first told of; never later than finished_at.';
COMMENT ON COLUMN public.deployed_commits.finished_at IS 'When it succeeded, as its source says, or else when that was received.';
COMMENT ON COLUMN public.deployed_commits.branch IS 'The branch that its commit landed on; NULL when the commit is unknown, or was pushed to another branch than the default one only.';
COMMENT ON COLUMN public.deployed_commits.landed_at IS 'When the pull request was merged that made the commit, or when the commit was made that was pushed without one.';
