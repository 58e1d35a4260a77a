-- Every event of every source, newest first.
SELECT id, source, source AS platform, event_type, action, kind, actor, title, repository, subject, url, received_at,
       received_at AS created_at, "position", tenant
FROM events
WHERE flags NOT LIKE '%suspect_replay%'
ORDER BY "position" DESC
