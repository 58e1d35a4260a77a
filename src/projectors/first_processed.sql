-- When each of these positions ($1) was processed first. On a rebuild the table that is replaced knows.
SELECT coalesce(replaced.processed_at, clock_timestamp())
FROM unnest($1::bigint[]) WITH ORDINALITY AS p ("position", n)
LEFT JOIN projections.events replaced ON replaced."position" = p."position"
ORDER BY p.n
