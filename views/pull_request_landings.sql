-- Which branches each merged pull request has landed on, and when it first did: the one that it was merged into; where that was
-- merged to then or later, by a pull request; where its commit was pushed to without one; and so on from there.
-- Looked up by index from the one pull request.
CREATE VIEW public.pull_request_landings AS
SELECT p.tenant, p.key, a.branches, a.landed_at
FROM public.pull_requests p
CROSS JOIN LATERAL (
    WITH RECURSIVE landed (branch, landed_at, sha, seen) AS (
        SELECT p.base_ref, p.merged_at, lower(p.merge_commit_sha), ARRAY[p.base_ref] WHERE p.is_merged
        UNION ALL
        -- Of several ways to a branch the first there goes on. Branches that are merged into each other end at the second look.
        SELECT n.branch, n.landed_at, n.sha, n.seen
        FROM (
            SELECT n.branch, n.landed_at, n.sha, l.seen || n.branch AS seen,
                   row_number() OVER (PARTITION BY n.branch ORDER BY n.landed_at, n.sha) AS choice
            FROM landed l
            CROSS JOIN LATERAL (
                SELECT o.name AS branch, q.landed_at, q.sha
                FROM (
                    -- What it was ever merged into, each name found after the one before: it may have been merged every day.
                    WITH RECURSIVE others (name) AS (
                        SELECT min(q.base_ref) FROM public.pull_requests q
                        WHERE q.tenant = p.tenant AND q.repository_id = p.repository_id AND q.head_ref = l.branch
                        UNION ALL
                        SELECT (SELECT min(q.base_ref) FROM public.pull_requests q
                                WHERE q.tenant = p.tenant AND q.repository_id = p.repository_id AND q.head_ref = l.branch AND q.base_ref > o.name)
                        FROM others o WHERE o.name IS NOT NULL)
                    SELECT o.name FROM others o WHERE o.name <> ALL (l.seen) LIMIT 16) AS o
                CROSS JOIN LATERAL (
                    SELECT q.merged_at AS landed_at, lower(q.merge_commit_sha) AS sha
                    FROM public.pull_requests q
                    WHERE q.tenant = p.tenant AND q.repository_id = p.repository_id AND q.head_ref = l.branch AND q.base_ref = o.name
                      AND q.is_merged AND q.merged_at >= l.landed_at
                      -- A fork's branch of that name is another one.
                      AND EXISTS (SELECT FROM public.event_correlations k
                                  WHERE k.tenant = q.tenant AND lower(k.subject) = lower(q.subject) AND k.correlation_type = 'pr_to_branch'
                                    AND lower(k.related_subject) = lower('branch:' || q.repository || '@' || q.head_ref) OFFSET 0)
                      -- And so is one that has its name after it was deleted.
                      AND NOT EXISTS (SELECT FROM public.entity_history h
                                      WHERE h.tenant = p.tenant AND h.entity = 'branch' AND h.key = 'github:' || p.repository_id || '@' || l.branch
                                        AND h.aspect = 'part' AND h.version_at > l.landed_at AND h.version_at < q.created_at
                                        AND (h.state ->> 'is_deleted')::boolean OFFSET 0)
                    ORDER BY q.merged_at LIMIT 1) AS q
                UNION ALL
                -- All pushes of one commit at once, so that they are not looked for again on the way from there. By the clock of the last
                -- commit of each, as deployed_commits has it of what is pushed.
                SELECT h.branch, c.committed_at, NULL
                FROM (SELECT DISTINCT k."position" FROM public.event_correlations k
                      WHERE k.tenant = p.tenant AND lower(k.subject) = 'commit:' || l.sha AND k.correlation_type = 'commit_to_branch'
                        AND substr(k.related_subject, strpos(k.related_subject, '@') + 1) <> ALL (l.seen) LIMIT 16) AS k
                CROSS JOIN LATERAL (
                    SELECT h.state ->> 'name' AS branch, h.state ->> 'sha' AS sha FROM public.entity_history h
                    WHERE h.tenant = p.tenant AND h."position" = k."position" AND h.entity = 'branch'
                      AND (h.state ->> 'repository_id')::bigint = p.repository_id LIMIT 1) AS h
                CROSS JOIN LATERAL (
                    SELECT c.committed_at FROM public.commits c WHERE c.tenant = p.tenant AND c.sha = h.sha
                    ORDER BY c.repository_id IS DISTINCT FROM p.repository_id LIMIT 1) AS c) AS n
            WHERE cardinality(l.seen) < 8) AS n
        WHERE n.choice = 1)
    SELECT array_agg(l.branch ORDER BY l.branch) AS branches, array_agg(l.landed_at ORDER BY l.branch) AS landed_at
    FROM (SELECT l.branch, min(l.landed_at) AS landed_at FROM landed l GROUP BY 1) AS l) AS a;

COMMENT ON VIEW public.pull_request_landings IS 'Which branches each merged pull request has landed on, and when: one row each. A commit that landed on one of them then or later brings it, so pull_request_deployed and dora_metrics compare deployments with this.';
COMMENT ON COLUMN public.pull_request_landings.key IS 'pull_requests.key.';
COMMENT ON COLUMN public.pull_request_landings.branches IS 'The branch that it was merged into, and those that this was merged or pushed to afterwards in as many as seven steps (develop, then main), of the same repository; NULL while it is not merged.';
COMMENT ON COLUMN public.pull_request_landings.landed_at IS 'When it first was on each of them, in the same order.';
