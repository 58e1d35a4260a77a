-- Events by source
-- How many events came from each source.
SELECT source, COUNT(*) as total_events FROM recent_events GROUP BY source
