-- Slack channels
-- How much is said in each channel, by how many, and how soon are threads answered?
-- $1 days count = 30: how many days back
SELECT coalesce(channel, channel_id) AS channel, sum(messages) AS messages, max(people) AS most_people_a_day, sum(threads) AS threads,
       sum(reactions) AS reactions, percentile_cont(0.5) WITHIN GROUP (ORDER BY median_minutes_to_answer) AS median_minutes_to_answer,
       max(last_message_at) AS last_message_at
FROM channel_activity
WHERE day >= (now() AT TIME ZONE 'UTC')::date - $1::integer
GROUP BY 1
ORDER BY messages DESC, channel
