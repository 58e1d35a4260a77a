-- Recent events
-- The last hundred events of all sources, newest first.
SELECT * FROM recent_events LIMIT 100
