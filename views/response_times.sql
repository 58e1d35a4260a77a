-- How soon others answered: threads in Slack, pull requests and issues. The first answer is looked up from the one question.
CREATE VIEW public.response_times AS
WITH said AS NOT MATERIALIZED (
    -- What people write asks and answers; what apps write does neither.
    SELECT m.* FROM public.slack_messages m
    WHERE hooklake.is_said(m.subtype) AND m.bot_id IS NULL AND NOT m.is_deleted)
SELECT a.tenant,
       a.kind,
       a.key,
       a.subject,
       a.place,
       a.asked_by,
       a.asked_at,
       a.answered_by,
       a.answered_at,
       hooklake.hours(a.asked_at, a.answered_at) AS hours_to_answer
FROM (
    SELECT m.tenant, 'slack_thread' AS kind, m.key, m.subject, coalesce(c.name, m.channel_id) AS place, m.user_id AS asked_by, m.created_at AS asked_at,
           f.by AS answered_by, f.at AS answered_at
    FROM said m
    LEFT JOIN public.slack_channels c ON c.tenant = m.tenant AND c.key = m.channel_key
    LEFT JOIN LATERAL (
        SELECT r.user_id AS by, r.created_at AS at
        FROM said r
        WHERE r.tenant = m.tenant AND r.thread_key = m.key AND r.is_reply
          AND r.created_at >= m.created_at AND lower(r.user_id) <> lower(m.user_id)
        ORDER BY r.created_at, r.user_id LIMIT 1) AS f ON true
    WHERE NOT coalesce(m.is_reply, false) AND m.user_id IS NOT NULL AND m.created_at IS NOT NULL
    UNION ALL
    SELECT p.tenant, 'pull_request', p.key, p.subject, p.repository, p.author, p.created_at, f.by, f.at
    FROM public.pull_requests p
    LEFT JOIN LATERAL (
        SELECT r.by, r.at
        FROM (SELECT v.reviewer AS by, v.submitted_at AS at FROM public.reviews v
              WHERE v.tenant = p.tenant AND v.pull_request_key = p.key AND NOT v.is_deleted
              UNION ALL
              SELECT o.author, o.created_at FROM public.comments o
              WHERE o.tenant = p.tenant AND o.parent_kind = 'pull_request' AND o.parent_key = p.key AND NOT o.is_deleted) AS r
        -- A bot answers nobody.
        WHERE r.at >= p.created_at AND r.by IS NOT NULL AND NOT hooklake.is_bot(r.by) AND lower(r.by) IS DISTINCT FROM lower(p.author)
        ORDER BY r.at, r.by LIMIT 1) AS f ON true
    WHERE NOT p.is_deleted AND p.created_at IS NOT NULL
      -- Nobody can answer any more in a repository that was deleted.
      AND NOT EXISTS (SELECT FROM public.repositories g WHERE g.tenant = p.tenant AND g.key = 'github:' || p.repository_id AND g.is_deleted)
    UNION ALL
    SELECT i.tenant, 'issue', i.key, i.subject, coalesce(i.team, i.repository), i.creator, i.created_at, f.by, f.at
    FROM public.issues i
    LEFT JOIN LATERAL (
        SELECT o.author AS by, o.created_at AS at
        FROM public.comments o
        -- What was said before it was transferred was said below the one that it was.
        WHERE o.tenant = i.tenant AND o.parent_kind = 'issue' AND NOT o.is_deleted
          AND o.parent_key = ANY (ARRAY(SELECT i.key UNION ALL
                                        SELECT x.origin_key FROM public.issue_origins x WHERE x.tenant = i.tenant AND x.key = i.key))
          AND o.created_at >= i.created_at AND o.author IS NOT NULL AND NOT hooklake.is_bot(o.author) AND lower(o.author) IS DISTINCT FROM lower(i.creator)
        ORDER BY o.created_at, o.author LIMIT 1) AS f ON true
    WHERE NOT i.is_deleted AND i.created_at IS NOT NULL
      AND NOT EXISTS (SELECT FROM public.repositories g WHERE g.tenant = i.tenant AND g.key = 'github:' || i.repository_id AND g.is_deleted)) AS a;

COMMENT ON VIEW public.response_times IS 'When somebody else first answered: one row per pull request, issue, and Slack message that a person wrote and that is no reply. Bots do not answer: at GitHub logins that end in [bot] and Copilot, in Slack what has a bot_id. Unanswered ones have NULL; deleted repositories are left out. Messages that ask nothing are here too; look at those with an answer, or at channels where people ask. One is found at once by subject or key.';
COMMENT ON COLUMN public.response_times.tenant IS 'Whose it is; "default" unless several tenants are configured.';
COMMENT ON COLUMN public.response_times.kind IS 'slack_thread, pull_request or issue.';
COMMENT ON COLUMN public.response_times.key IS 'Key in slack_messages, pull_requests or issues.';
COMMENT ON COLUMN public.response_times.subject IS 'What correlated_events calls it.';
COMMENT ON COLUMN public.response_times.place IS 'Channel (its name where known, else its id), repository, or key of the Linear team.';
COMMENT ON COLUMN public.response_times.asked_by IS 'Who wrote or opened it: Slack id, login or name in Linear.';
COMMENT ON COLUMN public.response_times.asked_at IS 'When.';
COMMENT ON COLUMN public.response_times.answered_by IS 'Who answered first: another person than asked_by, no bot, with a reply, review or comment; NULL when nobody has.';
COMMENT ON COLUMN public.response_times.answered_at IS 'When.';
COMMENT ON COLUMN public.response_times.hours_to_answer IS 'Hours from asked_at to answered_at.';
