-- Keeps for the transaction when the rows were first processed that are made again: those at these positions ($1), and hooklake's
-- own records from each of $2 through its fellow of $3, of which nothing else stays.
SELECT set_config('hooklake.first_processed', coalesce(jsonb_object_agg("position", processed_at)::text, ''), true)
FROM (
    SELECT "position", processed_at FROM projections.events WHERE "position" = ANY ($1::bigint[])
    UNION
    SELECT e."position", e.processed_at
    FROM unnest($2::bigint[], $3::bigint[]) AS r (first, last)
    JOIN projections.events e ON e."position" BETWEEN r.first AND r.last AND e.source = 'hooklake') AS kept
