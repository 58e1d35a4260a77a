-- Deployments, those that tools report and those that GitHub tells of, in the columns of PostgreSQL's table.
SELECT "position", id, tenant, source AS origin, title,
       CASE WHEN source = 'github' THEN json_get_int(payload, 'deployment', 'id')::text
            ELSE json_get_str(payload, 'deployment_id') END AS deployment_id,
       CASE WHEN source = 'github' THEN coalesce(json_get_str(payload, 'deployment_status', 'environment'), json_get_str(payload, 'deployment', 'environment'))
            ELSE json_get_str(payload, 'environment') END AS environment,
       CASE WHEN source = 'github' THEN coalesce(json_get_str(payload, 'deployment_status', 'state'), 'created')
            ELSE json_get_str(payload, 'status') END AS status,
       CASE WHEN source = 'github' THEN json_get_str(payload, 'repository', 'full_name')
            ELSE json_get_str(payload, 'repository_name') END AS repository_name,
       CASE WHEN source = 'github' THEN json_get_str(payload, 'deployment', 'sha')
            ELSE json_get_str(payload, 'commit_sha') END AS commit_sha,
       CASE WHEN source = 'github' THEN json_get_str(payload, 'deployment', 'ref')
            ELSE json_get_str(payload, 'branch_name') END AS branch_name,
       CASE WHEN source = 'github' THEN coalesce(json_get_str(payload, 'deployment_status', 'environment_url'), json_get_str(payload, 'deployment_status', 'target_url'))
            ELSE json_get_str(payload, 'url') END AS url,
       CASE WHEN source = 'github' THEN coalesce(json_get_str(payload, 'deployment_status', 'creator', 'login'), json_get_str(payload, 'deployment', 'creator', 'login'))
            ELSE json_get_str(payload, 'creator') END AS creator,
       CASE WHEN source = 'github' THEN coalesce(json_get_str(payload, 'deployment_status', 'description'), json_get_str(payload, 'deployment', 'description'))
            ELSE json_get_str(payload, 'description') END AS description,
       received_at, payload
FROM events
WHERE (source = 'deployment' OR (source = 'github' AND event_type IN ('deployment', 'deployment_status')))
  AND flags NOT LIKE '%suspect_replay%'
