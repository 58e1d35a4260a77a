-- Slack's events with the columns that are asked for most; everything else is in the payload.
SELECT id, delivery_key AS delivery_id, event_type, action AS subtype, title, received_at, "position",
       json_get_str(payload, 'team_id') AS team_id,
       coalesce(json_get_str(payload, 'event', 'channel'), json_get_str(payload, 'event', 'channel', 'id'),
                json_get_str(payload, 'channel_id')) AS channel_id,
       coalesce(json_get_str(payload, 'event', 'user'), json_get_str(payload, 'user_id')) AS user_id,
       json_get_str(payload, 'event', 'bot_id') AS bot_id,
       coalesce(json_get_str(payload, 'event', 'text'), json_get_str(payload, 'text')) AS text,
       json_get_str(payload, 'event', 'ts') AS message_ts,
       json_get_str(payload, 'event', 'thread_ts') AS thread_ts,
       json_get_str(payload, 'event', 'reaction') AS reaction,
       json_length(payload, 'event', 'files') AS file_count,
       payload
FROM events
WHERE source = 'slack' AND flags NOT LIKE '%suspect_replay%'
