-- What became of requests ($2 are their positions): how many wait still, and how many were tried and failed again.
SELECT count(*) FILTER (WHERE retry_requested_at IS NOT NULL) AS waiting,
       coalesce(array_agg(position ORDER BY position) FILTER (WHERE retry_requested_at IS NULL), '{}') AS failed
FROM hooklake.parked
WHERE consumer = $1 AND position = ANY ($2)
