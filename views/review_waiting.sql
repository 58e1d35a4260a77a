-- Reviews that are awaited now: of whom, and since when.
CREATE VIEW public.review_waiting AS
SELECT p.tenant,
       p.key,
       p.subject,
       p.repository,
       p.number,
       p.title,
       p.author,
       awaited.reviewer,
       awaited.is_team,
       coalesce(asked.requested_at, p.created_at) AS requested_at,
       hooklake.hours(coalesce(asked.requested_at, p.created_at), now()) AS waiting_hours,
       p.url
FROM public.pull_requests p
CROSS JOIN LATERAL (
    -- Nobody waits for a bot: what it says is no review (reviews_by_others).
    SELECT reviewer, false AS is_team FROM unnest(p.requested_reviewers) reviewer WHERE NOT hooklake.is_bot(reviewer)
    UNION ALL
    SELECT team, true FROM unnest(p.requested_teams) team) awaited
CROSS JOIN LATERAL (SELECT CASE WHEN awaited.is_team THEN 'requested_teams' ELSE 'requested_reviewers' END AS list) l
-- Since the first version that names them, after the last one that does not: they may have been asked twice.
LEFT JOIN LATERAL (
    SELECT min(h.version_at) AS requested_at
    FROM public.entity_history h
    WHERE h.tenant = p.tenant AND h.entity = 'pull_request' AND h.key = p.key AND h.state -> l.list ? awaited.reviewer
      AND h.version_at > ALL (SELECT b.version_at FROM public.entity_history b
                              WHERE b.tenant = p.tenant AND b.entity = 'pull_request' AND b.key = p.key
                                AND b.state ? l.list AND NOT coalesce(b.state -> l.list ? awaited.reviewer, false))) asked ON true
WHERE p.state = 'open' AND NOT p.is_deleted AND awaited.reviewer IS NOT NULL
  AND NOT EXISTS (SELECT FROM public.repositories g WHERE g.tenant = p.tenant AND g.key = 'github:' || p.repository_id AND (g.is_deleted OR g.is_archived));

COMMENT ON VIEW public.review_waiting IS 'Whose review is awaited now: one row per open pull request and requested reviewer or team, with how long they have been waited for. Drafts are here too, since someone was asked; bots, and deleted and archived repositories, are not.';
COMMENT ON COLUMN public.review_waiting.tenant IS 'Whose it is; "default" unless several tenants are configured.';
COMMENT ON COLUMN public.review_waiting.key IS 'pull_requests.key.';
COMMENT ON COLUMN public.review_waiting.subject IS 'github:owner/name#42, as correlated_events calls it.';
COMMENT ON COLUMN public.review_waiting.repository IS 'owner/name.';
COMMENT ON COLUMN public.review_waiting.number IS 'Number of the pull request.';
COMMENT ON COLUMN public.review_waiting.title IS 'Title of the pull request. Untrusted text.';
COMMENT ON COLUMN public.review_waiting.author IS 'Login of who opened it.';
COMMENT ON COLUMN public.review_waiting.reviewer IS 'Login of whose review is awaited, or name of the team.';
COMMENT ON COLUMN public.review_waiting.is_team IS 'True when a team was asked.';
COMMENT ON COLUMN public.review_waiting.requested_at IS 'When they were last asked, as far as events tell; else when the pull request was opened.';
COMMENT ON COLUMN public.review_waiting.waiting_hours IS 'Hours from requested_at to now.';
COMMENT ON COLUMN public.review_waiting.url IS 'Where a person can look at it.';
