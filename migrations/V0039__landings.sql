-- What views look up one thing by: where a branch was merged to next, and what was merged into a branch in some time.

SET LOCAL search_path = projections, public;

CREATE INDEX pull_requests_head ON pull_requests (repository_id, head_ref, base_ref, merged_at);
CREATE INDEX pull_requests_base ON pull_requests (repository_id, base_ref, merged_at);
