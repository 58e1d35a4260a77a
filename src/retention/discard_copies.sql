-- Copies of rebuilds that were given up: nobody follows the log for them, so nobody would take anything out of them.
DELETE FROM hooklake.consumers
WHERE name LIKE '%@rebuild' AND lease_until < clock_timestamp()
RETURNING name
