-- True for a message of Slack that somebody wrote, by its subtype; the others tell that somebody joined, changed the topic and so on:
-- https://api.slack.com/events/message
CREATE OR REPLACE FUNCTION hooklake.is_said(subtype text) RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN coalesce(subtype, '') IN ('', 'file_share', 'me_message', 'thread_broadcast', 'bot_message')
