-- Slowest pull requests
-- Which merged pull requests took longest from their first commit to production, or to the merge, and in which part?
-- $1 repository text optional: owner/name; all of them when it is left out
-- $2 days count = 90: merged in so many days
-- $3 limit count = 20: how many
SELECT repository, number, title, author, coding_hours, pickup_hours, review_hours, deploy_hours, coalesce(cycle_hours, open_hours) AS hours
FROM pull_request_flow
WHERE merged_at >= now() - make_interval(days => $2::integer) AND ($1 IS NULL OR lower(repository) = lower($1))
ORDER BY hours DESC NULLS LAST, repository, number
LIMIT $3
