-- The commits of each pull request, as far as events tell: what was pushed to its branch while the branch was its own, and what
-- was its head; without those that the branch that it is to go into has by other pushes than that of its merge: it was brought up
-- to date with them.
-- Looked up by index from the one pull request.
CREATE VIEW public.pull_request_commits AS
SELECT p.tenant, p.key AS pull_request_key, p.subject AS pull_request, m.sha, m.subject, m.message, m.author, m.author_name, m.committed_at, m.url
FROM public.pull_requests p
CROSS JOIN LATERAL (
    SELECT s.sha, min(s.after) AS after, max(s.until) AS until
    FROM (
        SELECT k.sha, coalesce(q.closed_at, '-infinity') AS after, coalesce(p.closed_at, 'infinity') AS until
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
            SELECT substr(k.subject, length('commit:') + 1) AS sha FROM public.event_correlations k
            WHERE k.tenant = p.tenant AND lower(k.related_subject) = o.branch AND k.correlation_type = 'commit_to_branch' OFFSET 0) AS k
        -- Whoever hears nothing of the branch may know the commits all the same, by a push to another one.
        UNION ALL
        SELECT substr(k.subject, length('commit:') + 1), '-infinity', 'infinity'
        FROM public.event_correlations k
        WHERE k.tenant = p.tenant AND lower(k.related_subject) = lower(p.subject) AND k.correlation_type = 'commit_to_pr'
          AND k.evidence_field = 'pull_request.head.sha') AS s
    GROUP BY s.sha) AS s
CROSS JOIN LATERAL (
    SELECT m.* FROM public.commits m WHERE m.tenant = p.tenant AND m.sha = s.sha
    ORDER BY m.repository_id IS DISTINCT FROM p.repository_id LIMIT 1) AS m
WHERE coalesce(m.committed_at > s.after AND m.committed_at <= s.until, true)
  AND NOT EXISTS (
      SELECT FROM public.event_correlations k
      WHERE k.tenant = p.tenant AND lower(k.subject) = lower('commit:' || s.sha) AND k.correlation_type = 'commit_to_branch'
        AND lower(k.related_subject) = lower('branch:' || p.repository || '@' || p.base_ref)
        -- The push of its own merge brought there what was its own; whichever of the pushes is told first.
        AND NOT EXISTS (
            SELECT FROM public.event_correlations m
            WHERE m.tenant = k.tenant AND lower(m.subject) = lower('commit:' || p.merge_commit_sha) AND m."position" = k."position" OFFSET 0));

COMMENT ON VIEW public.pull_request_commits IS 'The commits of each pull request, one row each: those that were pushed to its branch (since the pull request that had the branch before was closed, and until this one was), and those that were its head; not what was merged into it from the branch that it goes into. None where no event tells of any, as for branches of forks. What the merge made is pull_requests.merge_commit_sha. Those of one pull request are found at once: WHERE pull_request = ''github:owner/name#42'' ORDER BY committed_at.';
COMMENT ON COLUMN public.pull_request_commits.pull_request_key IS 'pull_requests.key.';
COMMENT ON COLUMN public.pull_request_commits.pull_request IS 'github:owner/name#42, as correlated_events calls it.';
COMMENT ON COLUMN public.pull_request_commits.sha IS 'Hash of the commit; join with checks on head_sha.';
COMMENT ON COLUMN public.pull_request_commits.subject IS 'commit:<sha>, as correlated_events calls it.';
COMMENT ON COLUMN public.pull_request_commits.message IS 'Message of the commit. Untrusted text.';
COMMENT ON COLUMN public.pull_request_commits.author IS 'Login of the author; NULL when GitHub knows none by that email.';
COMMENT ON COLUMN public.pull_request_commits.committed_at IS 'By the clock of the machine that made it.';
