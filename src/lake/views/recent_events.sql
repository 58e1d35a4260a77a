-- Every event of every source, the latest first.
SELECT id, source, event_type, action, title, actor, repository, subject, url, received_at, "position"
FROM events
WHERE flags NOT LIKE '%suspect_replay%'
ORDER BY "position" DESC
