-- What a partition holds besides hooklake's own records, by tenant and source, and how many bodies are left of it.
SELECT e.tenant, e.source, count(*) AS envelopes, count(e.body) AS bodies
FROM log.envelopes e
WHERE e.received_at >= $1 AND e.received_at < $2 AND e.source <> 'hooklake'
GROUP BY 1, 2 ORDER BY 1, 2
