-- Which deployments went back to an earlier commit than the one that ran until then. The one before, in the same repository and
-- environment, is looked up from the one deployment.
CREATE VIEW public.deployment_rollbacks AS
SELECT d.tenant, d."position", b.before,
       coalesce(d.began_at >= b.finished_at
                AND CASE WHEN d.branch = b.branch THEN d.landed_at < b.landed_at
                         -- Of commits that nothing tells more of, the earlier is what was there first.
                         ELSE d.commit_sha <> b.commit_sha AND f.first_at < b.first_at END, false) AS is_rollback
FROM public.deployment_commits d
LEFT JOIN LATERAL (
    SELECT o."position" AS before, c.branch, c.landed_at, c.commit_sha, c.finished_at, f.first_at
    FROM (SELECT o."position" FROM public.deployment_ends o
          -- As in pull_request_deployed.
          WHERE d.outcome = 'success' AND nullif(o.outcome = 'success', false) IS NOT NULL AND o.tenant = d.tenant
            AND coalesce(lower(o.repository), '') = coalesce(lower(d.repository), '') AND coalesce(o.environment, '') = coalesce(d.environment, '')
            AND (o.finished_at, o."position") < (d.finished_at, d."position")
          ORDER BY o.finished_at DESC, o."position" DESC LIMIT 1) AS o
    CROSS JOIN LATERAL (SELECT c.* FROM public.deployment_commits c WHERE c."position" = o."position" LIMIT 1) AS c
    -- By its commit, of which there are few: of all that the repository was ever deployed PostgreSQL would make a bitmap for each.
    CROSS JOIN LATERAL (
        SELECT min(f.finished_at) AS first_at FROM public.deployment_ends f
        WHERE f.tenant = d.tenant AND f.commit_sha = c.commit_sha AND coalesce(f.outcome = 'success', false)
          AND lower(f.repository) IS NOT DISTINCT FROM lower(d.repository) AND f.environment IS NOT DISTINCT FROM d.environment) AS f) AS b ON true
LEFT JOIN LATERAL (
    SELECT min(f.finished_at) AS first_at FROM public.deployment_ends f
    WHERE b.before IS NOT NULL AND f.tenant = d.tenant AND f.commit_sha = d.commit_sha AND coalesce(f.outcome = 'success', false)
      AND lower(f.repository) IS NOT DISTINCT FROM lower(d.repository) AND f.environment IS NOT DISTINCT FROM d.environment) AS f ON true;

COMMENT ON VIEW public.deployment_rollbacks IS 'Which deployments that ended went back to an earlier commit than that of the success before them in the same repository and environment, one row each. deployment_outcomes has it from here; ask that.';
COMMENT ON COLUMN public.deployment_rollbacks."position" IS 'The event that told how it ended; deployment_outcomes.position.';
COMMENT ON COLUMN public.deployment_rollbacks.before IS 'The same of the success before it; NULL for the first, and for a failure.';
COMMENT ON COLUMN public.deployment_rollbacks.is_rollback IS 'True for a success that began after the one before it had ended and whose commit is earlier than that of it: it landed on the same branch before it, or, where that is not known, it was deployed there before it.';
