-- Slack's events in the columns that are asked for most; everything else is in the payload. Columns that PostgreSQL's
-- table has too have its names. Events, commands and clicks each keep the channel and the user elsewhere.
SELECT "position", id, tenant, event_type, action AS subtype, delivery_key, title,
       coalesce(json_get_str(payload, 'team_id'), json_get_str(payload, 'team', 'id')) AS team_id,
       coalesce(json_get_str(payload, 'event', 'channel'), json_get_str(payload, 'event', 'channel', 'id'),
                json_get_str(payload, 'event', 'item', 'channel'), json_get_str(payload, 'event', 'channel_id'),
                json_get_str(payload, 'channel_id'), json_get_str(payload, 'channel', 'id')) AS channel_id,
       json_get_str(payload, 'event', 'channel_type') AS channel_type,
       coalesce(json_get_str(payload, 'event', 'user'), json_get_str(payload, 'event', 'user', 'id'),
                json_get_str(payload, 'event', 'user_id'), json_get_str(payload, 'event', 'message', 'user'),
                json_get_str(payload, 'user_id'), json_get_str(payload, 'user', 'id')) AS user_id,
       coalesce(json_get_str(payload, 'event', 'bot_id'), json_get_str(payload, 'event', 'message', 'bot_id')) AS bot_id,
       coalesce(json_get_str(payload, 'event', 'text'), json_get_str(payload, 'event', 'message', 'text'),
                json_get_str(payload, 'text'), json_get_str(payload, 'message', 'text')) AS text,
       coalesce(json_get_str(payload, 'event', 'ts'), json_get_str(payload, 'event', 'event_ts')) AS ts,
       coalesce(json_get_str(payload, 'event', 'thread_ts'), json_get_str(payload, 'event', 'message', 'thread_ts')) AS thread_ts,
       json_get_str(payload, 'event', 'reaction') AS reaction,
       json_get_str(payload, 'command') AS command,
       received_at, payload
FROM events
WHERE source = 'slack' AND flags NOT LIKE '%suspect_replay%'
