-- Busiest repositories
-- In which repositories did most happen, and by how many people?
-- $1 days count = 30: how many days back
-- $2 limit count = 20: how many
SELECT repository, count(*) AS events, count(DISTINCT actor) AS people, count(*) FILTER (WHERE event_type = 'push') AS pushes,
       count(DISTINCT subject) FILTER (WHERE event_type = 'pull_request') AS pull_requests, max(received_at) AS last_at
FROM events
WHERE repository IS NOT NULL AND received_at >= now() - make_interval(days => $1::integer)
GROUP BY repository
ORDER BY events DESC, repository
LIMIT $2
