-- What shipped
-- Pull requests that reached production and releases, newest first, with the issues that they are for.
-- $1 days count = 7: how many days back
-- $2 repository text optional: owner/name; all of them when it is left out
SELECT shipped_at, kind, repository, title, author, issues, cycle_hours, url
FROM shipped_work
WHERE shipped_at >= now() - make_interval(days => $1::integer) AND ($2 IS NULL OR lower(repository) = lower($2))
ORDER BY shipped_at DESC, title
