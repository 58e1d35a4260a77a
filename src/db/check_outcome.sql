-- How a check ended: success; failure, also where it ran out of time or could not start; undecided where somebody has to
-- start it again, as after it was cancelled; passed over where it had nothing to check. NULL while it runs.
CREATE OR REPLACE FUNCTION hooklake.check_outcome(conclusion text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE WHEN lower(conclusion) = 'success' THEN 'success'
            WHEN lower(conclusion) IN ('failure', 'error', 'timed_out', 'startup_failure') THEN 'failure'
            WHEN lower(conclusion) IN ('cancelled', 'action_required', 'stale') THEN 'undecided'
            WHEN lower(conclusion) IN ('neutral', 'skipped') THEN 'passed over' END
