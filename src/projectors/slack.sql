-- A row for each Slack event.
INSERT INTO slack_events ("position", id, tenant, event_type, subtype, envelope_type, event_id, team_id, api_app_id,
    channel_id, channel_type, user_id, bot_id, text, ts, thread_ts, message_ts, files, reaction, command, action_id,
    retry_num, retry_reason, received_at, verbatim, mended)
SELECT u."position", u.id, u.tenant, u.event_type, u.subtype, u.envelope_type, u.event_id, u.team_id, u.api_app_id,
    u.channel_id, u.channel_type, u.user_id, u.bot_id, u.text, u.ts, u.thread_ts, u.message_ts, u.files, u.reaction,
    u.command, u.action_id, u.retry_num, u.retry_reason, u.received_at, u.verbatim, u.mended::jsonb
FROM unnest($1::bigint[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[],
    $9::text[], $10::text[], $11::text[], $12::text[], $13::text[], $14::text[], $15::text[], $16::text[],
    $17::text[], $18::jsonb[], $19::text[], $20::text[], $21::text[], $22::integer[], $23::text[], $24::timestamptz[],
    $25::boolean[], $26::text[])
    AS u ("position", id, tenant, event_type, subtype, envelope_type, event_id, team_id, api_app_id, channel_id,
    channel_type, user_id, bot_id, text, ts, thread_ts, message_ts, files, reaction, command, action_id, retry_num,
    retry_reason, received_at, verbatim, mended)
