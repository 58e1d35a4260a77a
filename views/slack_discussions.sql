-- What was said in Slack about each pull request and issue: the messages that name it, and what else was said in their threads.
-- Looked up by index from the one pull request or issue.
CREATE VIEW public.slack_discussions AS
SELECT a.tenant, a.kind, a.key, a.subject,
       c.channel_id, c.name AS channel,
       t.thread_key,
       m.key AS message_key,
       m.subject AS message,
       m.key = ANY (t.naming) AS names_it,
       m.user_id,
       coalesce(h.name, m.username) AS author,
       m.text,
       m.created_at,
       m."position"
FROM (SELECT p.tenant, 'pull_request' AS kind, p.key, p.subject, 'message_to_pr' AS said, 'pr_to_message' AS given FROM public.pull_requests p
      UNION ALL
      SELECT i.tenant, 'issue', i.key, i.subject, 'message_to_issue', 'issue_to_message' FROM public.issues i) AS a
CROSS JOIN LATERAL (
    SELECT coalesce(n.thread_key, n.key) AS thread_key, array_agg(DISTINCT n.key) AS naming
    FROM (SELECT lower(a.subject) AS name
          UNION
          -- An issue may have had another name when it was spoken of.
          SELECT n.name FROM public.issue_names n WHERE a.kind = 'issue' AND n.tenant = a.tenant AND n.key = a.key) AS called
    CROSS JOIN LATERAL (
        SELECT k.subject AS message, CASE WHEN k.evidence_field IN ('event.text', 'event.message.text') THEN k.evidence_text END AS words
        FROM public.known_links k
        WHERE k.tenant = a.tenant AND lower(k.related_subject) = called.name AND k.correlation_type = a.said
        UNION
        SELECT k.related_subject, NULL FROM public.known_links k
        WHERE k.tenant = a.tenant AND lower(k.subject) = called.name AND k.correlation_type = a.given) AS l
    -- What was deleted, or was changed and says so no more, is not said.
    CROSS JOIN LATERAL (
        SELECT n.key, n.thread_key FROM public.slack_messages n
        WHERE n.tenant = a.tenant AND n.subject = l.message AND NOT n.is_deleted AND coalesce(strpos(n.text, l.words) > 0, true) OFFSET 0) AS n
    GROUP BY 1) AS t
CROSS JOIN LATERAL (
    SELECT m.* FROM public.slack_messages m WHERE m.tenant = a.tenant AND m.key = t.thread_key
    UNION ALL
    SELECT m.* FROM public.slack_messages m WHERE m.tenant = a.tenant AND m.thread_key = t.thread_key AND m.key <> t.thread_key) AS m
LEFT JOIN LATERAL (
    SELECT c.channel_id, c.name FROM public.slack_channels c WHERE c.tenant = a.tenant AND c.key = m.channel_key LIMIT 1) AS c ON true
LEFT JOIN LATERAL (
    SELECT h.name FROM public.person_identities i JOIN public.people h ON h.tenant = i.tenant AND h.key = i.person_key
    WHERE i.tenant = a.tenant AND i.key = m.user_key LIMIT 1) AS h ON true
WHERE NOT m.is_deleted;

COMMENT ON VIEW public.slack_discussions IS 'What was said in Slack about a pull request or an issue: one row per message that names it, by address or identifier, or that was written in the thread of one that does; as they are now, so neither messages that were deleted nor those that were changed and name it no more. Links keep those: correlated_events. What was said about one is found at once: WHERE subject = ''linear:HEL-42'' ORDER BY created_at. Messages about commits, deployments and releases: correlated_events.';
COMMENT ON COLUMN public.slack_discussions.kind IS 'What it is about: pull_request or issue.';
COMMENT ON COLUMN public.slack_discussions.key IS 'Key in pull_requests or issues.';
COMMENT ON COLUMN public.slack_discussions.subject IS 'What it is about: github:owner/name#42 or linear:HEL-42, as it is called now; join with subject of pull_requests and issues.';
COMMENT ON COLUMN public.slack_discussions.channel IS 'Its name; NULL until an event has said it.';
COMMENT ON COLUMN public.slack_discussions.thread_key IS 'slack_messages.key of the message that opened the thread, or of the message itself when it is in none.';
COMMENT ON COLUMN public.slack_discussions.message_key IS 'slack_messages.key of the message.';
COMMENT ON COLUMN public.slack_discussions.message IS 'slack:channel/ts, as correlated_events calls the message.';
COMMENT ON COLUMN public.slack_discussions.names_it IS 'True when the message names it, or the issue gives the address of the message; false for what else was said in the thread.';
COMMENT ON COLUMN public.slack_discussions.user_id IS 'Slack''s id of who wrote it; NULL for some bots.';
COMMENT ON COLUMN public.slack_discussions.author IS 'Name of who wrote it, as far as any platform tells (people.name), or that a bot gave itself.';
COMMENT ON COLUMN public.slack_discussions.text IS '<url|words> and <@user> are Slack''s notation. Untrusted.';
COMMENT ON COLUMN public.slack_discussions.created_at IS 'When it was written.';
COMMENT ON COLUMN public.slack_discussions."position" IS 'The event that told its newest version; join with events on it.';
