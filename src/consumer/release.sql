-- Gives a lease back.
UPDATE hooklake.consumers SET owner = NULL, lease_until = '-infinity' WHERE name = $1 AND epoch = $2
