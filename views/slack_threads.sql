-- Threads of Slack: what opened each, and who answered when.
CREATE VIEW public.slack_threads AS
SELECT
    r.tenant,
    r.thread_key AS key,
    min(r.channel_id) AS channel_id,
    min(r.channel_key) AS channel_key,
    min(r.thread_ts) AS thread_ts,
    min(o.user_id) AS opened_by,
    min(o.user_key) AS opened_by_key,
    min(o.text) AS opening_text,
    coalesce(bool_or(o.is_deleted), false) AS is_opening_deleted,
    min(o.created_at) AS opened_at,
    count(*) FILTER (WHERE NOT r.is_deleted) AS replies,
    coalesce(array_agg(DISTINCT r.user_id ORDER BY r.user_id) FILTER (WHERE NOT r.is_deleted AND r.user_id IS NOT NULL), '{}') AS repliers,
    min(r.created_at) FILTER (WHERE NOT r.is_deleted AND r.bot_id IS NULL AND r.user_id IS DISTINCT FROM o.user_id) AS first_response_at,
    max(r.created_at) FILTER (WHERE NOT r.is_deleted) AS last_reply_at,
    max(r."position") AS "position"
FROM public.slack_messages r
LEFT JOIN public.slack_messages o ON o.tenant = r.tenant AND o.key = r.thread_key
WHERE r.is_reply
GROUP BY r.tenant, r.thread_key;

COMMENT ON VIEW public.slack_threads IS 'Threads in Slack, one row each: who opened it with which words, and who answered when. Its messages are those of slack_messages with this thread_key.';
COMMENT ON COLUMN public.slack_threads.key IS 'slack_messages.key of the message that opened it.';
COMMENT ON COLUMN public.slack_threads.opened_by IS 'Slack''s id of who opened it; NULL when that message was before the first event.';
COMMENT ON COLUMN public.slack_threads.opening_text IS 'What was said first. Untrusted.';
COMMENT ON COLUMN public.slack_threads.replies IS 'How many answers there are; those that were deleted do not count.';
COMMENT ON COLUMN public.slack_threads.repliers IS 'Slack''s ids of those who answered.';
COMMENT ON COLUMN public.slack_threads.first_response_at IS 'The first answer of another person than who opened it, no bot.';
COMMENT ON COLUMN public.slack_threads."position" IS 'The newest event of its answers.';
