-- How soon others answered: threads in Slack, pull requests and issues.
CREATE VIEW public.response_times AS
WITH asked AS (
    SELECT m.tenant, 'slack_thread' AS kind, m.key, m.subject, coalesce(c.name, m.channel_id) AS place, m.user_id AS asked_by, m.created_at AS asked_at
    FROM public.slack_messages m
    LEFT JOIN public.slack_channels c ON c.tenant = m.tenant AND c.key = m.channel_key
    WHERE NOT m.is_deleted AND NOT coalesce(m.is_reply, false) AND m.user_id IS NOT NULL AND m.created_at IS NOT NULL
      AND m.subtype IS NULL
    UNION ALL
    SELECT p.tenant, 'pull_request', p.key, p.subject, p.repository, p.author, p.created_at
    FROM public.pull_requests p
    WHERE NOT p.is_deleted AND p.created_at IS NOT NULL
      -- Nobody can answer any more in a repository that was deleted.
      AND NOT EXISTS (SELECT FROM public.repositories g WHERE g.tenant = p.tenant AND g.key = 'github:' || p.repository_id AND g.is_deleted)
    UNION ALL
    SELECT i.tenant, 'issue', i.key, i.subject, coalesce(i.team, i.repository), i.creator, i.created_at
    FROM public.issues i
    WHERE NOT i.is_deleted AND i.created_at IS NOT NULL
      AND NOT EXISTS (SELECT FROM public.repositories g WHERE g.tenant = i.tenant AND g.key = 'github:' || i.repository_id AND g.is_deleted)),
answers AS (
    SELECT tenant, 'slack_thread' AS kind, thread_key AS key, user_id AS by, created_at AS at
    FROM public.slack_messages WHERE is_reply AND NOT is_deleted AND user_id IS NOT NULL
    UNION ALL
    SELECT tenant, 'pull_request', pull_request_key, reviewer, submitted_at FROM public.reviews WHERE NOT is_deleted
    UNION ALL
    SELECT tenant, parent_kind, parent_key, author, created_at FROM public.comments
    WHERE NOT is_deleted AND parent_kind IN ('pull_request', 'issue')),
first_answer AS (
    SELECT DISTINCT ON (a.tenant, a.kind, a.key) a.tenant, a.kind, a.key, r.by, r.at
    FROM asked a
    JOIN answers r ON r.tenant = a.tenant AND r.kind = a.kind AND r.key = a.key
    WHERE r.at >= a.asked_at AND r.by IS NOT NULL AND lower(r.by) IS DISTINCT FROM lower(a.asked_by)
    ORDER BY a.tenant, a.kind, a.key, r.at, r.by)
SELECT a.tenant,
       a.kind,
       a.key,
       a.subject,
       a.place,
       a.asked_by,
       a.asked_at,
       f.by AS answered_by,
       f.at AS answered_at,
       hooklake.hours(a.asked_at, f.at) AS hours_to_answer
FROM asked a
LEFT JOIN first_answer f ON f.tenant = a.tenant AND f.kind = a.kind AND f.key = a.key;

COMMENT ON VIEW public.response_times IS 'When somebody else first answered: one row per Slack message that is no reply, pull request and issue. Unanswered ones have NULL; deleted repositories are left out. Messages that ask nothing are here too; look at those with an answer, or at channels where people ask.';
COMMENT ON COLUMN public.response_times.tenant IS 'Whose it is; "default" unless several tenants are configured.';
COMMENT ON COLUMN public.response_times.kind IS 'slack_thread, pull_request or issue.';
COMMENT ON COLUMN public.response_times.key IS 'Key in slack_messages, pull_requests or issues.';
COMMENT ON COLUMN public.response_times.subject IS 'What correlated_events calls it.';
COMMENT ON COLUMN public.response_times.place IS 'Channel (its name where known, else its id), repository, or key of the Linear team.';
COMMENT ON COLUMN public.response_times.asked_by IS 'Who wrote or opened it: Slack id, login or name in Linear.';
COMMENT ON COLUMN public.response_times.asked_at IS 'When.';
COMMENT ON COLUMN public.response_times.answered_by IS 'Who answered first: another person or bot than asked_by, with a reply, review or comment; NULL when nobody has.';
COMMENT ON COLUMN public.response_times.answered_at IS 'When.';
COMMENT ON COLUMN public.response_times.hours_to_answer IS 'Hours from asked_at to answered_at.';
