-- Who did what
-- What did each person do, by kind of event?
-- $1 actor text optional: a login, a name in Linear or a Slack id; everyone when it is left out
-- $2 days integer = 7: how many days back
SELECT actor, platform, kind, count(*) AS events, max(received_at) AS last_at
FROM events
WHERE actor IS NOT NULL AND received_at >= now() - make_interval(days => $2::integer) AND ($1 IS NULL OR lower(actor) = lower($1))
GROUP BY actor, platform, kind
ORDER BY events DESC, actor, kind
