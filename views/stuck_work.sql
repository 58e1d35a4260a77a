-- What waits, for what, and since when. How long is too long is the reader's to say.
CREATE VIEW public.stuck_work AS
WITH waiting AS (
    SELECT p.tenant, 'pull_request' AS kind, p.key, p.subject, p.title, p.repository_id, p.repository AS place, p.author AS owner, p.url,
           CASE WHEN c.state = 'failure' THEN 'checks fail'
                WHEN l.state = 'changes_requested' THEN 'changes requested'
                WHEN l.state = 'asked_again' THEN 'review asked for again'
                WHEN l.state = 'approved' THEN 'approved, not merged'
                ELSE 'no review yet' END AS reason,
           CASE WHEN c.state = 'failure' THEN coalesce(c.failed_at, p.created_at) ELSE coalesce(l.since, v.ready_at, p.created_at) END AS since
    FROM public.pull_requests p
    LEFT JOIN LATERAL (
        SELECT CASE WHEN bool_or(r.stands AND r.state = 'changes_requested') THEN 'changes_requested'
                    WHEN bool_or(NOT r.stands) THEN 'asked_again'
                    WHEN bool_or(r.state = 'approved') THEN 'approved' END AS state,
               CASE WHEN bool_or(r.stands AND r.state = 'changes_requested')
                    THEN min(r.submitted_at) FILTER (WHERE r.stands AND r.state = 'changes_requested')
                    WHEN bool_or(NOT r.stands) THEN min(greatest(r.asked_at, r.submitted_at)) FILTER (WHERE NOT r.stands)
                    ELSE max(r.submitted_at) FILTER (WHERE r.state = 'approved') END AS since
        -- As GitHub counts: what each reviewer decided last, and one who asks for changes holds it up. What was dismissed
        -- decides nothing, and of whoever is asked again another word is awaited.
        FROM (SELECT d.state, d.submitted_at, w.asked_at, w.asked_at IS NULL AS stands
              FROM (SELECT DISTINCT ON (lower(r.reviewer)) lower(r.reviewer) AS who, r.state, r.submitted_at
                    FROM public.reviews_by_others r
                    WHERE r.tenant = p.tenant AND r.pull_request_key = p.key AND r.state IN ('approved', 'changes_requested', 'dismissed')
                    ORDER BY lower(r.reviewer), r.submitted_at DESC NULLS LAST, r."position" DESC) AS d
              CROSS JOIN LATERAL (
                  SELECT min(w.requested_at) AS asked_at FROM public.review_waiting w
                  WHERE w.tenant = p.tenant AND w.key = p.key AND NOT w.is_team AND lower(w.reviewer) = d.who) AS w
              WHERE d.state <> 'dismissed') AS r) AS l ON true
    LEFT JOIN LATERAL (
        SELECT v.ready_at FROM public.pull_request_reviewed v WHERE v.tenant = p.tenant AND v.key = p.key LIMIT 1) AS v ON true
    LEFT JOIN LATERAL (
        SELECT c.state, c.failed_at FROM public.commit_checks c
        WHERE c.tenant = p.tenant AND c.repository_id = p.repository_id AND c.head_sha = p.head_sha LIMIT 1) AS c ON true
    WHERE p.state = 'open' AND NOT p.is_deleted AND NOT coalesce(p.is_draft, false)
    UNION ALL
    SELECT p.tenant, 'pull_request', p.key, p.subject, p.title, p.repository_id, p.repository, p.author, p.url, 'merged, not in production', p.merged_at
    FROM public.pull_requests p
    CROSS JOIN LATERAL (
        SELECT d.deployed_at, d.is_deploying FROM public.pull_request_deployed d WHERE d.tenant = p.tenant AND d.key = p.key LIMIT 1) AS d
    -- Not everything is deployed: a repository is that was.
    WHERE p.is_merged AND NOT p.is_deleted AND d.is_deploying AND d.deployed_at IS NULL
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
-- Nothing waits in a repository that was deleted or archived. A deployment that only names it: unless another one has the name now.
WHERE NOT EXISTS (SELECT FROM public.repositories g WHERE g.tenant = w.tenant AND g.key = 'github:' || w.repository_id AND (g.is_deleted OR g.is_archived))
  AND (w.repository_id IS NOT NULL
       OR (SELECT bool_and(g.is_deleted OR coalesce(g.is_archived, false)) FROM public.repositories g WHERE g.tenant = w.tenant AND lower(g.full_name) = lower(w.place)) IS NOT TRUE);

COMMENT ON VIEW public.stuck_work IS 'Work that waits for something, save in deleted and archived repositories, with the reason and since when. Nothing says how long is too long: WHERE waiting_hours > 48 ORDER BY waiting_hours DESC.';
COMMENT ON COLUMN public.stuck_work.tenant IS 'Whose it is; "default" unless several tenants are configured.';
COMMENT ON COLUMN public.stuck_work.kind IS 'pull_request, issue or deployment.';
COMMENT ON COLUMN public.stuck_work.key IS 'Key in the table of its kind.';
COMMENT ON COLUMN public.stuck_work.subject IS 'What correlated_events calls it.';
COMMENT ON COLUMN public.stuck_work.title IS 'Its title; the environment of a deployment. Untrusted text.';
COMMENT ON COLUMN public.stuck_work.place IS 'owner/name of the repository, or key of the Linear team.';
COMMENT ON COLUMN public.stuck_work.owner IS 'Author, assignee or creator.';
COMMENT ON COLUMN public.stuck_work.reason IS 'checks fail, changes requested, review asked for again (of somebody who had decided), approved, not merged, no review yet, merged, not in production, started, nothing happens, or deployment under way. Of several that are true of an open pull request, the first.';
COMMENT ON COLUMN public.stuck_work.since IS 'When it came to wait so: the failure, review, its being asked for again, opening or end of the draft, merge, last change or start.';
COMMENT ON COLUMN public.stuck_work.waiting_hours IS 'Hours from since to now.';
COMMENT ON COLUMN public.stuck_work.url IS 'Where a person can look at it.';
