-- When work on each pull request began, as far as its commits tell. Looked up by index from the one pull request.
CREATE VIEW public.pull_request_started AS
SELECT p.tenant, p.key, g.first_commit_at, least(g.first_commit_at, p.created_at) AS started_at
FROM public.pull_requests p
CROSS JOIN LATERAL (
    SELECT min(m.committed_at) AS committed_at
    FROM (SELECT DISTINCT lower(k.related_subject) AS branch FROM public.event_correlations k
          WHERE k.tenant = p.tenant AND lower(k.subject) = lower(p.subject) AND k.correlation_type = 'pr_to_branch') AS o
    -- A name that is used again belongs to the one before until that was closed.
    LEFT JOIN LATERAL (
        SELECT q.closed_at
        FROM (SELECT DISTINCT lower(k.subject) AS pull_request FROM public.event_correlations k
              WHERE k.tenant = p.tenant AND lower(k.related_subject) = o.branch AND k.correlation_type = 'pr_to_branch') AS k
        CROSS JOIN LATERAL (
            SELECT q.closed_at, q.created_at, q.number FROM public.pull_requests q
            WHERE q.tenant = p.tenant AND lower(q.subject) = k.pull_request AND (q.created_at, q.number) < (p.created_at, p.number)
            ORDER BY q.version_at DESC LIMIT 1) AS q
        ORDER BY q.created_at DESC, q.number DESC LIMIT 1) AS q ON true
    CROSS JOIN LATERAL (
        SELECT min(m.committed_at) AS committed_at
        FROM public.event_correlations k
        CROSS JOIN LATERAL (
            SELECT m.committed_at FROM public.commits m
            WHERE m.tenant = p.tenant AND m.sha = substr(k.subject, length('commit:') + 1) LIMIT 1) AS m
        WHERE k.tenant = p.tenant AND lower(k.related_subject) = o.branch AND k.correlation_type = 'commit_to_branch'
          AND m.committed_at > coalesce(q.closed_at, '-infinity') AND m.committed_at <= coalesce(p.closed_at, 'infinity')) AS m) AS pushed
-- Whoever hears nothing of the branch may know the commits all the same, by a push to another one.
CROSS JOIN LATERAL (
    SELECT min(m.committed_at) AS committed_at
    FROM (SELECT DISTINCT substr(k.subject, length('commit:') + 1) AS sha FROM public.event_correlations k
          WHERE k.tenant = p.tenant AND lower(k.related_subject) = lower(p.subject) AND k.correlation_type = 'commit_to_pr'
            AND k.evidence_field = 'pull_request.head.sha') AS k
    CROSS JOIN LATERAL (SELECT m.committed_at FROM public.commits m WHERE m.tenant = p.tenant AND m.sha = k.sha LIMIT 1) AS m) AS headed
CROSS JOIN LATERAL (SELECT least(pushed.committed_at, headed.committed_at) AS first_commit_at) AS g;

COMMENT ON VIEW public.pull_request_started IS 'When work on each pull request began: one row each. workflows and pull_request_flow have it from here; ask those.';
COMMENT ON COLUMN public.pull_request_started.key IS 'pull_requests.key.';
COMMENT ON COLUMN public.pull_request_started.first_commit_at IS 'Time of the first commit that was pushed to its branch (since the pull request that had the branch before was closed, and until this one was), or that was its head. NULL when no event tells of any, as for branches of forks.';
COMMENT ON COLUMN public.pull_request_started.started_at IS 'first_commit_at, or when it was opened if that was earlier or no commit is known: what lead time for changes is counted from.';
