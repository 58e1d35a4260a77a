-- How a deployment ended, whoever told it: success or failure; NULL while it is under way, when it was cancelled, and once
-- another took its place.
CREATE OR REPLACE FUNCTION hooklake.deployment_outcome(status text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE WHEN lower(status) IN ('success', 'succeeded', 'successful') THEN 'success'
            WHEN lower(status) IN ('failure', 'failed', 'error') THEN 'failure' END
