-- When what a deployment to production brought first was taken back there. What it brought is looked up from the one deployment: what
-- landed on its branch since the deployment before it, and what had been merged into that. pull_request_deployed has the last word.
CREATE VIEW public.deployment_reverts AS
SELECT d.tenant, d."position", min(r.deployed_at) AS reverted_at
FROM public.deployment_commits d
CROSS JOIN LATERAL (
    WITH RECURSIVE came (branch, after, until, steps) AS (
        SELECT d.branch,
               (SELECT o.landed_at FROM public.deployed_commits o
                WHERE o.tenant = d.tenant AND lower(o.repository) = lower(d.repository) AND o.finished_at < d.finished_at
                  -- As in pull_request_deployed.
                  AND nullif(o.is_production AND o.branch = d.branch, false) IS NOT NULL
                ORDER BY o.finished_at DESC LIMIT 1),
               d.landed_at, 0
        WHERE d.is_production AND d.outcome = 'success'
        UNION ALL
        SELECT q.head_ref,
               (SELECT max(b.merged_at) FROM public.pull_requests b
                WHERE b.tenant = d.tenant AND b.repository_id = d.repository_id AND b.head_ref = q.head_ref AND b.base_ref = q.base_ref
                  AND b.merged_at < q.merged_at),
               q.merged_at, c.steps + 1
        FROM came c
        JOIN public.pull_requests q ON q.tenant = d.tenant AND q.repository_id = d.repository_id AND q.base_ref = c.branch
            AND q.merged_at >= coalesce(c.after, '-infinity') AND q.merged_at <= c.until AND q.is_merged
        WHERE c.steps < 7)
    SELECT DISTINCT p.key, p.subject
    FROM came c
    JOIN public.pull_requests p ON p.tenant = d.tenant AND p.repository_id = d.repository_id AND p.base_ref = c.branch
        AND p.merged_at >= coalesce(c.after, '-infinity') AND p.merged_at <= c.until AND p.is_merged) AS p
CROSS JOIN LATERAL (
    SELECT t.revert_key FROM public.pull_request_reverts t WHERE t.tenant = d.tenant AND t.key = p.key AND t.reverted_at IS NOT NULL OFFSET 0) AS t
-- Of what nothing takes back it need not be known.
CROSS JOIN LATERAL (
    SELECT f.deployed_at FROM public.pull_request_deployed f WHERE f.tenant = d.tenant AND f.key = p.key AND t.revert_key IS NOT NULL LIMIT 1) AS f
CROSS JOIN LATERAL (
    SELECT r.deployed_at FROM public.pull_request_deployed r WHERE r.tenant = d.tenant AND r.key = t.revert_key AND f.deployed_at = d.finished_at LIMIT 1) AS r
WHERE r.deployed_at > d.finished_at
  -- What takes something back mends; that it is taken back in its turn brings again what was there.
  AND NOT EXISTS (SELECT FROM public.known_links k
                  WHERE k.tenant = d.tenant AND lower(k.subject) = lower(p.subject) AND k.correlation_type IN ('pr_reverts_pr', 'pr_reverts_commit') OFFSET 0)
GROUP BY d.tenant, d."position";

COMMENT ON VIEW public.deployment_reverts IS 'The deployments to production that were the first to bring a pull request which was taken back there later, one row each. deployment_outcomes has it from here; ask that.';
COMMENT ON COLUMN public.deployment_reverts."position" IS 'The event that told how it ended; deployment_outcomes.position.';
COMMENT ON COLUMN public.deployment_reverts.reverted_at IS 'When the first deployment to production ended that took one of them back.';
