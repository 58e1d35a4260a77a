-- Stale branches
-- Which branches were not pushed to for long, and belong to no open pull request?
-- $1 days count = 30: how many days are long
SELECT b.repository, b.name, b.pushed_by, b.pushed_at, b.sha
FROM branches b
WHERE NOT b.is_deleted AND b.is_default IS DISTINCT FROM true AND b.pushed_at < now() - make_interval(days => $1::integer)
  AND NOT EXISTS (SELECT FROM pull_requests p
                  WHERE p.tenant = b.tenant AND p.repository_id = b.repository_id AND p.head_ref = b.name AND p.state = 'open')
ORDER BY b.pushed_at, b.repository, b.name
