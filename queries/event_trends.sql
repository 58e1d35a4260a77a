-- Trends
-- How many events came on each day, and how does that compare with the mean of the week before?
-- $1 days integer = 30: how many days back
WITH daily AS (SELECT day, source, sum(event_count) AS events FROM event_summary GROUP BY day, source),
compared AS (
    SELECT day, source, events,
           avg(events) OVER (PARTITION BY source ORDER BY day RANGE BETWEEN interval '7 days' PRECEDING AND interval '1 day' PRECEDING) AS before
    FROM daily)
SELECT day, source, events, round(before, 1) AS mean_of_week_before, round((events - before) / nullif(before, 0), 2) AS change
FROM compared
WHERE day >= (now() AT TIME ZONE 'UTC')::date - $1::integer
ORDER BY day DESC, events DESC, source
