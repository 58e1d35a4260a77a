-- What waits, for what, and since when. How long is too long is the reader's to say.
CREATE VIEW public.stuck_work AS
WITH last_review AS (
    SELECT DISTINCT ON (r.tenant, r.pull_request_key) r.tenant, r.pull_request_key, r.state, r.submitted_at
    FROM public.reviews r
    JOIN public.pull_requests p ON p.tenant = r.tenant AND p.key = r.pull_request_key
    WHERE r.state IN ('approved', 'changes_requested') AND lower(r.reviewer) IS DISTINCT FROM lower(p.author)
    ORDER BY r.tenant, r.pull_request_key, r.submitted_at DESC NULLS LAST, r."position" DESC),
failing AS (
    SELECT c.tenant, c.repository_id, c.head_sha, min(c.completed_at) AS since
    FROM public.checks c
    WHERE hooklake.check_outcome(c.conclusion) = 'failure' AND c.head_sha IS NOT NULL
      -- A newer run of the same check on the same commit counts.
      AND NOT EXISTS (SELECT FROM public.checks n
                      WHERE n.tenant = c.tenant AND n.repository_id = c.repository_id AND n.head_sha = c.head_sha AND n.kind = c.kind
                        AND n.name = c.name AND n.version_at > c.version_at)
    GROUP BY 1, 2, 3),
waiting AS (
    SELECT p.tenant, 'pull_request' AS kind, p.key, p.subject, p.title, p.repository_id, p.repository AS place, p.author AS owner, p.url,
           CASE WHEN f.head_sha IS NOT NULL THEN 'checks fail'
                WHEN l.state = 'changes_requested' THEN 'changes requested'
                WHEN l.state = 'approved' THEN 'approved, not merged'
                ELSE 'no review yet' END AS reason,
           CASE WHEN f.head_sha IS NOT NULL THEN coalesce(f.since, p.created_at) ELSE coalesce(l.submitted_at, p.created_at) END AS since
    FROM public.pull_requests p
    LEFT JOIN last_review l ON l.tenant = p.tenant AND l.pull_request_key = p.key
    LEFT JOIN failing f ON f.tenant = p.tenant AND f.repository_id = p.repository_id AND f.head_sha = p.head_sha
    WHERE p.state = 'open' AND NOT p.is_deleted AND NOT coalesce(p.is_draft, false)
    UNION ALL
    SELECT p.tenant, 'pull_request', p.key, p.subject, p.title, p.repository_id, p.repository, p.author, p.url, 'merged, not in production', p.merged_at
    FROM public.pull_request_flow w
    JOIN public.pull_requests p ON p.tenant = w.tenant AND p.key = w.key
    WHERE p.is_merged AND w.deployed_at IS NULL
      -- Not everything is deployed: a repository is that was.
      AND EXISTS (SELECT FROM public.deployment_outcomes d
                  WHERE d.tenant = p.tenant AND lower(d.repository) = lower(p.repository) AND d.is_production AND d.outcome = 'success')
    UNION ALL
    SELECT i.tenant, 'issue', i.key, i.subject, i.title, i.repository_id, coalesce(i.team, i.repository), i.assignees[1], i.url,
           'started, nothing happens', coalesce(i.updated_at, i.version_at)
    FROM public.issues i
    WHERE i.is_open AND NOT i.is_deleted AND i.state_type = 'started'
    UNION ALL
    SELECT d.tenant, 'deployment', d.key, d.subject, d.environment, d.repository_id, d.repository, d.creator, d.url,
           'deployment under way', coalesce(d.started_at, d.created_at, d.version_at)
    FROM public.deployments d
    WHERE lower(d.status) IN ('queued', 'pending', 'waiting', 'in_progress', 'running', 'started') AND NOT d.is_deleted)
SELECT w.tenant, w.kind, w.key, w.subject, w.title, w.place, w.owner, w.reason, w.since, hooklake.hours(w.since, now()) AS waiting_hours, w.url
FROM waiting w
-- Nothing waits in a repository that was deleted. A deployment that only names it: unless another one has the name now.
WHERE NOT EXISTS (SELECT FROM public.repositories g WHERE g.tenant = w.tenant AND g.key = 'github:' || w.repository_id AND g.is_deleted)
  AND (w.repository_id IS NOT NULL
       OR (SELECT bool_and(g.is_deleted) FROM public.repositories g WHERE g.tenant = w.tenant AND lower(g.full_name) = lower(w.place)) IS NOT TRUE);

COMMENT ON VIEW public.stuck_work IS 'Work that waits for something, save in deleted repositories, with the reason and since when. Nothing says how long is too long: WHERE waiting_hours > 48 ORDER BY waiting_hours DESC.';
COMMENT ON COLUMN public.stuck_work.tenant IS 'Whose it is; "default" unless several tenants are configured.';
COMMENT ON COLUMN public.stuck_work.kind IS 'pull_request, issue or deployment.';
COMMENT ON COLUMN public.stuck_work.key IS 'Key in the table of its kind.';
COMMENT ON COLUMN public.stuck_work.subject IS 'What correlated_events calls it.';
COMMENT ON COLUMN public.stuck_work.title IS 'Its title; the environment of a deployment. Untrusted text.';
COMMENT ON COLUMN public.stuck_work.place IS 'owner/name of the repository, or key of the Linear team.';
COMMENT ON COLUMN public.stuck_work.owner IS 'Author, assignee or creator.';
COMMENT ON COLUMN public.stuck_work.reason IS 'checks fail, changes requested, approved, not merged, no review yet, merged, not in production, started, nothing happens, or deployment under way. Of several that are true of an open pull request, the first.';
COMMENT ON COLUMN public.stuck_work.since IS 'When it came to wait so: the failure, review, opening, merge, last change or start.';
COMMENT ON COLUMN public.stuck_work.waiting_hours IS 'Hours from since to now.';
COMMENT ON COLUMN public.stuck_work.url IS 'Where a person can look at it.';
