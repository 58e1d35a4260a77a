-- Events are found by who did it and where as they are by what they are about (V0024__subjects.sql): by the name first and the tenant
-- after it, with every row in the index, so that PostgreSQL knows how frequent a name is. Of a rare one it read the whole log,
-- newest first.

SET LOCAL search_path = projections, public;

DROP INDEX events_actor, events_repository;
CREATE INDEX events_actor ON events (lower(actor), tenant, "position");
CREATE INDEX events_repository ON events (lower(repository), tenant, "position");

COMMENT ON COLUMN events.actor IS 'Who did it: a GitHub login, a name in Linear, a Slack user id. Case does not matter: lower(actor) = ''ada'' uses an index. The same person elsewhere: people.';
COMMENT ON COLUMN events.repository IS 'owner/name as it was called when the event came; NULL for Linear and Slack. Case does not matter: lower(repository) = ''owner/name'' uses an index.';
