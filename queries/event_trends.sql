-- Trends
-- How many events came on each day, and how does that compare with the mean of the week before? A day without events counts in it,
-- from the first one on that any came.
-- $1 days count = 30: how many days back
WITH daily AS (SELECT day, source, sum(event_count) AS events, min(min(day)) OVER () AS first_day FROM event_summary GROUP BY day, source),
compared AS (
    SELECT day, source, events,
           coalesce(sum(events) OVER (PARTITION BY source ORDER BY day RANGE BETWEEN interval '7 days' PRECEDING AND interval '1 day' PRECEDING), 0)
               / nullif(least(day - first_day, 7), 0) AS before
    FROM daily)
SELECT day, source, events, round(before, 1) AS mean_of_week_before, round((events - before) / nullif(before, 0), 2) AS change
FROM compared
WHERE day >= (now() AT TIME ZONE 'UTC')::date - $1::integer
ORDER BY day DESC, events DESC, source
