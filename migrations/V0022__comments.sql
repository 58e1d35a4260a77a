-- What columns mean whose name means something else elsewhere, and what the key of a deployment is made of.

COMMENT ON COLUMN projections.slack_events.event_id IS 'Slack''s own id of the event: Ev…; NULL for commands and interactions. hooklake''s is id.';
COMMENT ON COLUMN projections.deployments.key IS 'github:deployment/<id>; for those posted to /events/deployment deployment:<id>@<environment>, since each environment ends for itself.';
COMMENT ON COLUMN projections.deployments.subject IS 'What correlated_events calls it: deployment:<id> or deployment:github/<id>. Those of one id in several environments share it.';
