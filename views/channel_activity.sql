-- How much is said in each Slack channel on each day, by how many, and how soon threads are answered.
CREATE VIEW public.channel_activity AS
WITH said AS (
    SELECT m.tenant, m.channel_id, (m.created_at AT TIME ZONE 'UTC')::date AS day,
           count(*) AS messages,
           count(DISTINCT m.user_id) AS people,
           count(*) FILTER (WHERE m.is_reply) AS replies,
           count(DISTINCT m.thread_key) FILTER (WHERE m.is_reply) AS threads,
           count(*) FILTER (WHERE m.bot_id IS NOT NULL) AS bot_messages,
           count(*) FILTER (WHERE cardinality(m.file_names) > 0) AS with_files,
           max(m.created_at) AS last_message_at
    FROM public.slack_messages m
    WHERE m.created_at IS NOT NULL AND NOT m.is_deleted
    GROUP BY 1, 2, 3),
reacted AS (
    SELECT r.tenant, r.channel_id, (r.reacted_at AT TIME ZONE 'UTC')::date AS day, count(*) AS reactions
    FROM public.slack_reactions r
    WHERE r.reacted_at IS NOT NULL AND NOT r.is_deleted
    GROUP BY 1, 2, 3),
answered AS (
    SELECT a.tenant, m.channel_id, (a.asked_at AT TIME ZONE 'UTC')::date AS day,
           round(percentile_cont(0.5) WITHIN GROUP (ORDER BY a.hours_to_answer)::numeric * 60, 1) AS median_minutes
    FROM public.response_times a
    JOIN public.slack_messages m ON m.tenant = a.tenant AND m.key = a.key
    WHERE a.kind = 'slack_thread' AND a.hours_to_answer IS NOT NULL
    GROUP BY 1, 2, 3),
names AS (
    SELECT tenant, channel_id, max(name) AS name FROM public.slack_channels GROUP BY 1, 2)
SELECT tenant,
       channel_id,
       n.name AS channel,
       day,
       coalesce(s.messages, 0) AS messages,
       coalesce(s.people, 0) AS people,
       coalesce(s.threads, 0) AS threads,
       coalesce(s.replies, 0) AS replies,
       coalesce(s.bot_messages, 0) AS bot_messages,
       coalesce(s.with_files, 0) AS with_files,
       coalesce(r.reactions, 0) AS reactions,
       a.median_minutes AS median_minutes_to_answer,
       s.last_message_at
FROM said s
FULL JOIN reacted r USING (tenant, channel_id, day)
LEFT JOIN answered a USING (tenant, channel_id, day)
LEFT JOIN names n USING (tenant, channel_id);

COMMENT ON VIEW public.channel_activity IS 'Slack channels by day (UTC): messages, people, threads, reactions, and how soon messages of that day were answered. A day on which nothing was said has no row.';
COMMENT ON COLUMN public.channel_activity.tenant IS 'Whose it is; "default" unless several tenants are configured.';
COMMENT ON COLUMN public.channel_activity.channel_id IS 'Slack''s id of the channel.';
COMMENT ON COLUMN public.channel_activity.channel IS 'Its name; NULL until an event has said it.';
COMMENT ON COLUMN public.channel_activity.day IS 'Day, UTC.';
COMMENT ON COLUMN public.channel_activity.messages IS 'Messages written that day and not deleted since.';
COMMENT ON COLUMN public.channel_activity.people IS 'How many wrote.';
COMMENT ON COLUMN public.channel_activity.threads IS 'Threads that were answered in.';
COMMENT ON COLUMN public.channel_activity.replies IS 'Messages that answer in a thread.';
COMMENT ON COLUMN public.channel_activity.bot_messages IS 'Messages that a bot wrote.';
COMMENT ON COLUMN public.channel_activity.with_files IS 'Messages with files.';
COMMENT ON COLUMN public.channel_activity.reactions IS 'Reactions given that day and not taken back.';
COMMENT ON COLUMN public.channel_activity.median_minutes_to_answer IS 'Of messages of that day that somebody else answered in a thread: minutes until then, median.';
COMMENT ON COLUMN public.channel_activity.last_message_at IS 'The newest message of the day.';
