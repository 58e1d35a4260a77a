-- Largest events, from the lake
-- Which events have the largest bodies?
-- over: lake
-- $1 bytes integer = 10000: larger than so many bytes
SELECT id, source, kind, repository, body_bytes, received_at
FROM events
WHERE body_bytes > CAST($1 AS BIGINT) AND flags NOT LIKE '%suspect_replay%'
ORDER BY body_bytes DESC, "position"
LIMIT 20
