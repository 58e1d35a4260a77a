-- Copies of rebuilds that were given up: nobody follows the log for them, so nobody would take anything out of them. Which
-- schema each was in.
DELETE FROM hooklake.consumers
WHERE (name LIKE '%@rebuild' OR name LIKE '%@as-of') AND lease_until < clock_timestamp()
RETURNING CASE WHEN name LIKE '%@as-of' THEN 'as_of_' ELSE 'rebuild_' END || split_part(name, '@', 1) AS schema
