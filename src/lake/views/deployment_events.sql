-- Deployments with the columns that are asked for most; everything else is in the payload.
SELECT id, event_type, action AS status, title, actor, repository, url, received_at, "position",
       json_get_str(payload, 'environment') AS environment,
       json_get_str(payload, 'service') AS service,
       json_get_str(payload, 'version') AS version,
       coalesce(json_get_str(payload, 'commit_sha'), json_get_str(payload, 'sha'), json_get_str(payload, 'commit')) AS commit_sha,
       payload
FROM events
WHERE source = 'deployment' AND flags NOT LIKE '%suspect_replay%'
