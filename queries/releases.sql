-- Releases
-- What was released, newest first, and how many pull requests were merged since the release before?
-- $1 repository text optional: owner/name; all of them when it is left out
WITH published AS (
    SELECT r.*, lag(r.published_at) OVER (PARTITION BY r.tenant, r.repository_id ORDER BY r.published_at) AS before_at
    FROM releases r
    WHERE r.published_at IS NOT NULL AND NOT r.is_deleted)
SELECT r.repository, r.tag, r.name, r.author, r.published_at,
       (SELECT count(*) FROM pull_requests p
        WHERE p.tenant = r.tenant AND p.repository_id = r.repository_id AND p.merged_at <= r.published_at
          AND p.merged_at > coalesce(r.before_at, '-infinity')) AS pull_requests
FROM published r
WHERE $1 IS NULL OR lower(r.repository) = lower($1)
ORDER BY r.published_at DESC, r.repository
