-- Copies of rebuilds that were given up: nobody follows the log for them, so nobody would take anything out of them, nor out of
-- the reasons why events were set aside. Which schema each was in.
WITH gone AS (
    DELETE FROM hooklake.consumers
    WHERE (name LIKE '%@rebuild' OR name LIKE '%@as-of') AND lease_until < clock_timestamp()
    RETURNING name),
parked AS (
    DELETE FROM hooklake.parked p USING gone WHERE p.consumer = gone.name)
SELECT CASE WHEN name LIKE '%@as-of' THEN 'as_of_' ELSE 'rebuild_' END || split_part(name, '@', 1) AS schema
FROM gone
