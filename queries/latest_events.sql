-- Latest events
-- The last ten events of all sources with their details.
SELECT * FROM recent_events LIMIT 10
