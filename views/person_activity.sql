-- What each person did, on every platform: events with the person whose account it was. Looked up by index from the one event.
CREATE VIEW public.person_activity AS
SELECT e.tenant, i.person_key, coalesce(h.name, e.actor) AS name, e.actor, e.platform, e.kind, e.event_type, e.action, e.subject, e.title, e.id,
       e.received_at, e."position"
FROM public.events e
LEFT JOIN LATERAL (
    SELECT 'github:' || g.sender_id AS key FROM public.github_events g WHERE g."position" = e."position" AND e.source = 'github'
    UNION ALL
    SELECT 'linear:' || l.actor_id FROM public.linear_events l WHERE l."position" = e."position" AND e.source = 'linear'
    UNION ALL
    SELECT 'slack:' || s.user_id FROM public.slack_events s WHERE s."position" = e."position" AND e.source = 'slack') AS a ON true
LEFT JOIN public.person_identities i ON i.tenant = e.tenant AND i.key = a.key
LEFT JOIN public.people h ON h.tenant = i.tenant AND h.key = i.person_key
WHERE e.actor IS NOT NULL;

COMMENT ON VIEW public.person_activity IS 'What each person did on GitHub, in Linear and in Slack together: one row for every event that somebody caused. Say since when, or of which events: WHERE received_at >= now() - interval ''7 days''. Who reviewed, wrote and merged what is in pull_requests, reviews, comments and slack_messages too.';
COMMENT ON COLUMN public.person_activity.person_key IS 'people.key of who it was, the same on every platform; NULL for bots, and where no account is named.';
COMMENT ON COLUMN public.person_activity.name IS 'Name of the person, or what the account is called where it is nobody''s. Untrusted text.';
COMMENT ON COLUMN public.person_activity.actor IS 'A GitHub login, a name in Linear, a Slack user id.';
COMMENT ON COLUMN public.person_activity.kind IS 'events.kind.';
COMMENT ON COLUMN public.person_activity.subject IS 'What the event is about, as in events.';
COMMENT ON COLUMN public.person_activity.id IS 'The event, evt_….';
COMMENT ON COLUMN public.person_activity."position" IS 'Place of the event in the log; join with events on it.';
