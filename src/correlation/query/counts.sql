-- How many links of each type, each counted once.
SELECT c.correlation_type, count(DISTINCT (lower(c.subject), lower(c.related_subject))) AS links
FROM known_links c
WHERE c.tenant = $1
GROUP BY 1
ORDER BY 2 DESC, 1
