-- Processing time by platform
-- How many events each platform sent, and how many seconds they took from being stored to being queryable.
SELECT platform, COUNT(*) as total_events, AVG(EXTRACT(EPOCH FROM (processed_at - created_at))) as avg_processing_time FROM events WHERE processed_at IS NOT NULL GROUP BY platform
