-- Not answered
-- Which messages, pull requests and issues has nobody else answered yet?
-- $1 hours number = 24: older than so many hours
-- $2 kind text optional: slack_thread, pull_request or issue
SELECT kind, place, subject, asked_by, asked_at, age.hours AS waiting_hours
FROM response_times, LATERAL (SELECT round(extract(epoch FROM now() - asked_at) / 3600, 1) AS hours) age
WHERE answered_at IS NULL AND age.hours > $1 AND ($2 IS NULL OR kind = $2)
ORDER BY asked_at, subject
