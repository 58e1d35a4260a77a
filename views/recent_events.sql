-- Every event of every source, newest first: the first thing to ask.
CREATE VIEW public.recent_events AS
SELECT id, source, platform, event_type, action, kind, actor, title, repository, subject, url, received_at, created_at,
       processed_at, status, priority, "position", tenant
FROM public.events
ORDER BY "position" DESC;

COMMENT ON VIEW public.recent_events IS 'Every event of every source, newest first; always ask with LIMIT. Join with events on id or position for the payload.';
COMMENT ON COLUMN public.recent_events.id IS 'Name of the event, evt_…; the same in every table.';
COMMENT ON COLUMN public.recent_events.source IS 'github, linear, slack, deployment, custom, hooklake, or the name of a configured source.';
COMMENT ON COLUMN public.recent_events.platform IS 'The source, save for custom events that name a platform of their own.';
COMMENT ON COLUMN public.recent_events.event_type IS 'Type as the platform names it: pull_request, Issue, message, deployment, ….';
COMMENT ON COLUMN public.recent_events.action IS 'What happened: opened, create, message_changed, success, …; NULL where the platform sends none.';
COMMENT ON COLUMN public.recent_events.kind IS 'event_type.action, or event_type alone.';
COMMENT ON COLUMN public.recent_events.actor IS 'Who did it: a GitHub login, a name in Linear, a Slack user id.';
COMMENT ON COLUMN public.recent_events.title IS 'Title of the pull request or issue, first line of the commit or message. Untrusted text.';
COMMENT ON COLUMN public.recent_events.repository IS 'owner/name; NULL for Linear and Slack.';
COMMENT ON COLUMN public.recent_events.subject IS 'What it is about, as in events: github:owner/name#2, linear:HEL-42, slack:channel/ts, commit:<sha>, deployment:<id>; join with subject of pull_requests, issues, slack_messages, ….';
COMMENT ON COLUMN public.recent_events.received_at IS 'When it was stored.';
COMMENT ON COLUMN public.recent_events.created_at IS 'The same as received_at.';
COMMENT ON COLUMN public.recent_events.processed_at IS 'When it was first put into the table.';
