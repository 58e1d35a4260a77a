-- How a check ended, of what GitHub says of it: success; failure, also where it timed out or could not start; undecided
-- where somebody has to start it again, as after it was cancelled; passed over where it had nothing to check. NULL while
-- it runs.
CREATE OR REPLACE FUNCTION hooklake.check_outcome(conclusion text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE lower(conclusion) WHEN 'success' THEN 'success'
                              WHEN 'failure' THEN 'failure' WHEN 'error' THEN 'failure' WHEN 'timed_out' THEN 'failure'
                              WHEN 'startup_failure' THEN 'failure'
                              WHEN 'cancelled' THEN 'undecided' WHEN 'action_required' THEN 'undecided' WHEN 'stale' THEN 'undecided'
                              WHEN 'neutral' THEN 'passed over' WHEN 'skipped' THEN 'passed over' END
