-- The partitions of the log, oldest first.
SELECT name, received_from, received_until, bytes, is_detaching, retired_at, emptied_at FROM log.partitions ORDER BY received_from
