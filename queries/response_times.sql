-- Response times
-- How soon does somebody else answer, by kind and place?
-- $1 kind slack_thread|pull_request|issue optional: what was asked in; all of them when it is left out
-- $2 days count = 30: asked in so many days
SELECT kind, place, count(*) AS asked, count(hours_to_answer) AS answered,
       percentile_cont(0.5) WITHIN GROUP (ORDER BY hours_to_answer) AS median_hours,
       percentile_cont(0.9) WITHIN GROUP (ORDER BY hours_to_answer) AS p90_hours
FROM response_times
WHERE asked_at >= now() - make_interval(days => $2::integer) AND ($1 IS NULL OR kind = $1)
GROUP BY kind, place
ORDER BY kind, asked DESC, place
