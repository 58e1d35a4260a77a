-- A row for each Slack event.
INSERT INTO slack_events ("position", id, tenant, event_type, received_at, verbatim, mended, subtype, envelope_type,
    event_id, team_id, enterprise_id, api_app_id, channel_id, channel_name, channel_type, is_ext_shared_channel,
    user_id, user_name, bot_id, bot_name, app_id, is_bot, edited_by, item_user_id, inviter_id, title, text,
    previous_text, mentions, ts, thread_ts, message_ts, files, file_ids, reaction, item_type, command, action_id,
    action_type, action_value, block_id, callback_id, view_id, submission, retry_num, retry_reason)
SELECT u."position", u.id, u.tenant, u.event_type, u.received_at, u.verbatim, u.mended::jsonb, u.subtype,
    u.envelope_type, u.event_id, u.team_id, u.enterprise_id, u.api_app_id, u.channel_id, u.channel_name, u.channel_type,
    u.is_ext_shared_channel, u.user_id, u.user_name, u.bot_id, u.bot_name, u.app_id, u.is_bot, u.edited_by,
    u.item_user_id, u.inviter_id, u.title, u.text, u.previous_text, u.mentions::text[], u.ts, u.thread_ts, u.message_ts,
    u.files::jsonb, u.file_ids::text[], u.reaction, u.item_type, u.command, u.action_id, u.action_type, u.action_value,
    u.block_id, u.callback_id, u.view_id, u.submission::jsonb, u.retry_num::integer, u.retry_reason
FROM unnest($1::bigint[], $2::text[], $3::text[], $4::text[], $5::timestamptz[], $6::boolean[], $7::text[], $8::text[],
    $9::text[], $10::text[], $11::text[], $12::text[], $13::text[], $14::text[], $15::text[], $16::text[],
    $17::boolean[], $18::text[], $19::text[], $20::text[], $21::text[], $22::text[], $23::boolean[], $24::text[],
    $25::text[], $26::text[], $27::text[], $28::text[], $29::text[], $30::text[], $31::text[], $32::text[], $33::text[],
    $34::text[], $35::text[], $36::text[], $37::text[], $38::text[], $39::text[], $40::text[], $41::text[], $42::text[],
    $43::text[], $44::text[], $45::text[], $46::bigint[], $47::text[])
    AS u ("position", id, tenant, event_type, received_at, verbatim, mended, subtype, envelope_type, event_id, team_id,
    enterprise_id, api_app_id, channel_id, channel_name, channel_type, is_ext_shared_channel, user_id, user_name,
    bot_id, bot_name, app_id, is_bot, edited_by, item_user_id, inviter_id, title, text, previous_text, mentions, ts,
    thread_ts, message_ts, files, file_ids, reaction, item_type, command, action_id, action_type, action_value,
    block_id, callback_id, view_id, submission, retry_num, retry_reason)
