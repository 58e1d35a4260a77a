-- Linear's events in the columns that are asked for most; everything else is in the payload. Columns that PostgreSQL's
-- table has too have its names. The object of an event stands in data; what it belongs to stands there by its own name.
SELECT "position", id, tenant, event_type, action, delivery_key, title, url,
       json_get_str(payload, 'actor', 'name') AS actor_name,
       coalesce(json_get_str(payload, 'data', 'creator', 'name'), json_get_str(payload, 'data', 'user', 'name'),
                json_get_str(payload, 'data', 'botActor', 'name')) AS creator_name,
       CASE WHEN event_type = 'Issue' THEN json_get_str(payload, 'data', 'id')
            ELSE coalesce(json_get_str(payload, 'data', 'issue', 'id'), json_get_str(payload, 'data', 'issueId')) END AS issue_id,
       coalesce(json_get_str(payload, 'data', 'identifier'), json_get_str(payload, 'data', 'issue', 'identifier')) AS issue_identifier,
       CASE WHEN event_type = 'Issue' THEN json_get_str(payload, 'data', 'title')
            ELSE json_get_str(payload, 'data', 'issue', 'title') END AS issue_title,
       coalesce(json_get_int(payload, 'data', 'priority'), json_get_int(payload, 'data', 'issue', 'priority')) AS issue_priority,
       coalesce(json_get_str(payload, 'data', 'state', 'name'), json_get_str(payload, 'data', 'status', 'name')) AS state_name,
       CASE WHEN event_type = 'Team' THEN json_get_str(payload, 'data', 'key')
            ELSE coalesce(json_get_str(payload, 'data', 'team', 'key'), json_get_str(payload, 'data', 'issue', 'team', 'key')) END AS team_key,
       CASE WHEN event_type = 'Team' THEN json_get_str(payload, 'data', 'name')
            ELSE coalesce(json_get_str(payload, 'data', 'team', 'name'), json_get_str(payload, 'data', 'issue', 'team', 'name')) END AS team_name,
       CASE WHEN event_type = 'Project' THEN json_get_str(payload, 'data', 'name')
            ELSE json_get_str(payload, 'data', 'project', 'name') END AS project_name,
       coalesce(json_get_str(payload, 'data', 'body'), json_get_str(payload, 'data', 'comment', 'body')) AS comment_body,
       json_get_str(payload, 'data', 'assignee', 'name') AS assignee_name,
       received_at, payload
FROM events
WHERE source = 'linear' AND flags NOT LIKE '%suspect_replay%'
