-- What every deployment that ended was to bring: when it began and ended, and when its commit landed on which branch.
CREATE VIEW public.deployment_commits AS
SELECT e.tenant,
       'deployment:' || CASE e.source WHEN 'github' THEN 'github/' ELSE '' END || e.deployment_id AS subject,
       e.repository, e.environment, l.repository_id,
       e.is_production,
       e.commit_sha,
       e.outcome,
       least(coalesce(e.started_at, e.told_at), e.finished_at) AS began_at,
       e.finished_at,
       l.branch, l.landed_at,
       e."position"
FROM public.deployment_ends e
LEFT JOIN LATERAL (
    SELECT o.branch, o.landed_at, o.repository_id
    FROM (SELECT q.base_ref AS branch, q.merged_at AS landed_at, 1 AS choice, q.repository_id FROM public.pull_requests q
          WHERE q.tenant = e.tenant AND q.merge_commit_sha = lower(e.commit_sha) AND q.is_merged
            -- The repository may have been called otherwise then, or now.
            AND (lower(q.repository) = lower(e.repository)
                 OR EXISTS (SELECT FROM public.pull_request_told t
                            WHERE t.tenant = q.tenant AND t.key = q.key AND lower(e.repository) = ANY (t.repositories)))
          UNION ALL
          -- A commit that was pushed without a pull request: to the default branch, unless pushes tell of others only.
          SELECT r.default_branch, c.committed_at, 2, c.repository_id
          FROM public.commits c
          LEFT JOIN public.repositories r ON r.tenant = c.tenant AND r.key = 'github:' || c.repository_id
          WHERE c.tenant = e.tenant AND c.sha = lower(e.commit_sha) AND lower(e.repository) IN (lower(c.repository), lower(r.full_name))
            AND (SELECT coalesce(bool_or(lower(k.related_subject) = lower('branch:' || c.repository || '@' || r.default_branch)), true)
                 FROM public.event_correlations k
                 WHERE k.tenant = c.tenant AND lower(k.subject) = lower('commit:' || c.sha) AND k.correlation_type = 'commit_to_branch')) AS o
    ORDER BY o.choice, o.landed_at LIMIT 1) AS l ON true;

COMMENT ON VIEW public.deployment_commits IS 'Every deployment that ended (deployment_outcomes), with the commit that it was to bring and when that had landed on its branch. Those that succeeded are in deployed_commits.';
COMMENT ON COLUMN public.deployment_commits.subject IS 'deployment:<id>; with environment it is one of deployments.';
COMMENT ON COLUMN public.deployment_commits.repository IS 'owner/name, as the deployment named it.';
COMMENT ON COLUMN public.deployment_commits.repository_id IS 'GitHub''s number of the repository, which it keeps under other names; NULL when the commit is unknown.';
COMMENT ON COLUMN public.deployment_commits.is_production IS 'True when GitHub says that the environment is one of production, or its name has the word prod, production or live, but not pre-prod or non-live.';
COMMENT ON COLUMN public.deployment_commits.outcome IS 'success or failure.';
COMMENT ON COLUMN public.deployment_commits.began_at IS 'When it began, as its source says, or else when it was first told of; never later than finished_at.';
COMMENT ON COLUMN public.deployment_commits.finished_at IS 'When it ended, as its source says, or else when that was received.';
COMMENT ON COLUMN public.deployment_commits.branch IS 'The branch that its commit landed on; NULL when the commit is unknown, or was pushed to another branch than the default one only.';
COMMENT ON COLUMN public.deployment_commits.landed_at IS 'When the pull request was merged that made the commit, or when the commit was made that was pushed without one.';
COMMENT ON COLUMN public.deployment_commits."position" IS 'The event that told how it ended; join with events on it.';
