-- The events at these positions.
SELECT * FROM events WHERE tenant = $1 AND "position" = ANY ($2::bigint[]) ORDER BY "position"
