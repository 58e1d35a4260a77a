-- The live consumer ($1) goes on where the copy ($2) stands, as another generation, under another epoch.
UPDATE hooklake.consumers live
SET version = copy.version, position = copy.position, fence = copy.fence, generation = live.generation + 1, epoch = live.epoch + 1,
    owner = NULL, lease_until = '-infinity', error = NULL, updated_at = clock_timestamp()
FROM hooklake.consumers copy
WHERE live.name = $1 AND copy.name = $2
