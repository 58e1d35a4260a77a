-- Takes a lease that is free or has run out. The epoch rises, so that the owner before can no longer write.
UPDATE hooklake.consumers
SET owner = $2, epoch = epoch + 1, lease_until = clock_timestamp() + make_interval(secs => $3)
WHERE name = $1 AND lease_until < clock_timestamp()
RETURNING epoch
