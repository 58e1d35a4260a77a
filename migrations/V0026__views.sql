-- What views look up one thing by: what was deployed in a repository since some time, issues by the names that they had, and
-- the pull requests that were opened or merged last.

SET LOCAL search_path = projections, public;

-- Longer names are none from this version on, and no index would take them.
UPDATE deployment_events SET repository_name = NULL WHERE octet_length(repository_name) > 512;
CREATE INDEX deployment_events_ended ON deployment_events (lower(repository_name), coalesce(finished_at, received_at), tenant);
DROP INDEX deployments_began;
CREATE INDEX issues_moved ON issues (tenant) WHERE previous_identifiers <> '{}';
CREATE INDEX pull_requests_created_at ON pull_requests (created_at);
CREATE INDEX pull_requests_merged_at ON pull_requests (merged_at);
