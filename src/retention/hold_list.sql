-- Every legal hold, the latest first.
SELECT id, reason, placed_by, placed_at, tenant, source, from_position, to_position, released_at FROM log.holds ORDER BY placed_at DESC
