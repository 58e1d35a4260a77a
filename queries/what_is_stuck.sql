-- What is stuck
-- Pull requests, issues and deployments that have waited for longer than so many days, and for what.
-- $1 days number = 2: how many days are too many
-- $2 place text optional: owner/name of a repository or key of a team
SELECT kind, subject, title, owner, reason, since, round(waiting_hours / 24, 1) AS waiting_days
FROM stuck_work
WHERE waiting_hours > $1 * 24 AND ($2 IS NULL OR lower(place) = lower($2))
ORDER BY waiting_hours DESC, subject
