-- How much is said in each Slack channel on each day, by how many, and how soon threads are answered. Each day of a channel is
-- looked up by itself.
CREATE VIEW public.channel_activity AS
WITH said AS NOT MATERIALIZED (
    SELECT m.* FROM public.slack_messages m
    WHERE hooklake.is_said(m.subtype) AND NOT m.is_deleted)
SELECT d.tenant,
       d.channel_id,
       n.name AS channel,
       d.day,
       s.messages,
       s.people,
       s.threads,
       s.replies,
       s.bot_messages,
       s.with_files,
       r.reactions,
       a.median_minutes AS median_minutes_to_answer,
       s.last_message_at
FROM (
    SELECT m.tenant, m.channel_id, (m.created_at AT TIME ZONE 'UTC')::date AS day
    FROM said m
    WHERE m.created_at IS NOT NULL
    UNION
    SELECT r.tenant, r.channel_id, (r.reacted_at AT TIME ZONE 'UTC')::date
    FROM public.slack_reactions r
    WHERE r.reacted_at IS NOT NULL AND NOT r.is_deleted) AS d
CROSS JOIN LATERAL (
    SELECT count(*) AS messages,
           count(DISTINCT m.user_id) FILTER (WHERE m.bot_id IS NULL) AS people,
           count(*) FILTER (WHERE m.is_reply) AS replies,
           count(DISTINCT m.thread_key) FILTER (WHERE m.is_reply) AS threads,
           count(*) FILTER (WHERE m.bot_id IS NOT NULL) AS bot_messages,
           count(*) FILTER (WHERE cardinality(m.file_names) > 0) AS with_files,
           max(m.created_at) AS last_message_at
    FROM said m
    WHERE m.tenant = d.tenant AND m.channel_id = d.channel_id AND (m.created_at AT TIME ZONE 'UTC')::date = d.day) AS s
CROSS JOIN LATERAL (
    SELECT count(*) AS reactions
    FROM public.slack_reactions r
    WHERE r.tenant = d.tenant AND r.channel_id = d.channel_id AND (r.reacted_at AT TIME ZONE 'UTC')::date = d.day AND NOT r.is_deleted) AS r
CROSS JOIN LATERAL (
    SELECT round(percentile_cont(0.5) WITHIN GROUP (ORDER BY t.hours_to_answer)::numeric * 60, 1) AS median_minutes
    FROM public.slack_messages m
    CROSS JOIN LATERAL (
        SELECT a.hours_to_answer FROM public.response_times a
        WHERE a.kind = 'slack_thread' AND a.tenant = m.tenant AND a.key = m.key AND a.hours_to_answer IS NOT NULL LIMIT 1) AS t
    WHERE m.tenant = d.tenant AND m.channel_id = d.channel_id AND (m.created_at AT TIME ZONE 'UTC')::date = d.day) AS a
LEFT JOIN (SELECT tenant, channel_id, max(name) AS name FROM public.slack_channels GROUP BY 1, 2) AS n
       ON n.tenant = d.tenant AND n.channel_id = d.channel_id;

COMMENT ON VIEW public.channel_activity IS 'Slack channels by day (UTC): messages, people, threads, reactions, and how soon messages of that day were answered. A day on which nothing was said has no row. Those of one channel and of the newest days are found at once: WHERE channel_id = …, or day >= ….';
COMMENT ON COLUMN public.channel_activity.tenant IS 'Whose it is; "default" unless several tenants are configured.';
COMMENT ON COLUMN public.channel_activity.channel_id IS 'Slack''s id of the channel.';
COMMENT ON COLUMN public.channel_activity.channel IS 'Its name; NULL until an event has said it.';
COMMENT ON COLUMN public.channel_activity.day IS 'Day, UTC.';
COMMENT ON COLUMN public.channel_activity.messages IS 'Messages that people or bots wrote that day and that were not deleted since; notices of Slack, as of who joined, are none.';
COMMENT ON COLUMN public.channel_activity.people IS 'How many people wrote; bots are none.';
COMMENT ON COLUMN public.channel_activity.threads IS 'Threads that were answered in.';
COMMENT ON COLUMN public.channel_activity.replies IS 'Messages that answer in a thread.';
COMMENT ON COLUMN public.channel_activity.bot_messages IS 'Messages that a bot wrote.';
COMMENT ON COLUMN public.channel_activity.with_files IS 'Messages with files.';
COMMENT ON COLUMN public.channel_activity.reactions IS 'Reactions given that day and not taken back.';
COMMENT ON COLUMN public.channel_activity.median_minutes_to_answer IS 'Of messages of that day that another person answered in a thread (response_times): minutes until then, median.';
COMMENT ON COLUMN public.channel_activity.last_message_at IS 'The newest message of the day.';
