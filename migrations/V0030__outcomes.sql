-- What views look up one thing by, as in V0026__views.sql: the neighbours of a deployment in its repository and environment, and
-- the deployments that ended last.

SET LOCAL search_path = projections, public;

CREATE INDEX deployment_events_line ON deployment_events
    (coalesce(lower(repository_name), ''), coalesce(environment, ''), coalesce(finished_at, received_at), "position");
CREATE INDEX deployment_events_ended_at ON deployment_events (coalesce(finished_at, received_at));
