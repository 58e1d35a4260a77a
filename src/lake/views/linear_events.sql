-- Linear's events with the columns that are asked for most; everything else is in the payload.
SELECT id, delivery_key AS delivery_id, event_type, action, title, url, received_at, "position",
       CASE WHEN event_type = 'Issue' THEN json_get_str(payload, 'data', 'id') ELSE json_get_str(payload, 'data', 'issue', 'id') END AS issue_id,
       CASE WHEN event_type = 'Issue' THEN json_get_str(payload, 'data', 'identifier') ELSE json_get_str(payload, 'data', 'issue', 'identifier') END AS issue_identifier,
       CASE WHEN event_type = 'Issue' THEN json_get_str(payload, 'data', 'title') ELSE json_get_str(payload, 'data', 'issue', 'title') END AS issue_title,
       json_get_str(payload, 'data', 'state', 'name') AS state_name,
       json_get_int(payload, 'data', 'priority') AS priority,
       coalesce(json_get_str(payload, 'data', 'team', 'name'), json_get_str(payload, 'data', 'issue', 'team', 'name')) AS team_name,
       coalesce(json_get_str(payload, 'data', 'team', 'key'), json_get_str(payload, 'data', 'issue', 'team', 'key')) AS team_key,
       coalesce(json_get_str(payload, 'data', 'project', 'name'),
                CASE WHEN event_type = 'Project' THEN json_get_str(payload, 'data', 'name') END) AS project_name,
       coalesce(json_get_str(payload, 'data', 'creator', 'name'), actor) AS creator_name,
       json_get_str(payload, 'data', 'assignee', 'name') AS assignee_name,
       CASE WHEN event_type = 'Comment' THEN json_get_str(payload, 'data', 'body') END AS comment_body,
       actor AS actor_name,
       payload
FROM events
WHERE source = 'linear' AND flags NOT LIKE '%suspect_replay%'
