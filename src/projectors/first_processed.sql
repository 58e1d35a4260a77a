-- When each of these positions ($1) was processed first. On a rebuild the table that is replaced knows; when something was taken
-- out of the row, what remember_processed.sql kept.
WITH kept AS (SELECT nullif(current_setting('hooklake.first_processed', true), '')::jsonb AS at)
SELECT coalesce(replaced.processed_at, (kept.at ->> p."position"::text)::timestamptz, clock_timestamp())
FROM unnest($1::bigint[]) WITH ORDINALITY AS p ("position", n)
CROSS JOIN kept
LEFT JOIN projections.events replaced ON replaced."position" = p."position"
ORDER BY p.n
