-- The first of these positions ($1) at which the log holds nothing.
SELECT w."position"
FROM unnest($1::bigint[]) AS w ("position")
WHERE NOT EXISTS (SELECT FROM log.envelopes e WHERE e."position" = w."position")
ORDER BY 1
LIMIT 1
