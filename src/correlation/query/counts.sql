-- How many links of each type, each counted once.
SELECT c.correlation_type, count(DISTINCT (lower(c.subject), lower(c.related_subject))) AS links
FROM event_correlations c
WHERE c.tenant = $1
  AND (c.team_key IS NULL OR EXISTS (SELECT FROM linear_teams l WHERE l.tenant = $1 AND l.team_key = c.team_key))
GROUP BY 1
ORDER BY 2 DESC, 1
