-- Checks that both failed and succeeded on one and the same commit: nothing but the check itself can be the reason.
CREATE VIEW public.flaky_checks AS
WITH runs AS (
    -- One event may be told by several hooks. What tells one check from another is among these, so that asking for one finds
    -- its runs by index.
    SELECT DISTINCT ON (g.tenant, g.repository_full_name, g.event_type, g.check_name, g.commit_sha, coalesce(g.delivery_id, g.id))
           g.tenant, g.event_type, g.repository_full_name AS repository, g.check_name, g.commit_sha, g.received_at,
           hooklake.check_outcome(coalesce(g.check_conclusion, g.check_status)) AS outcome
    FROM public.github_events g
    WHERE ((g.event_type IN ('check_run', 'workflow_run', 'workflow_job') AND g.action = 'completed') OR g.event_type = 'status')
      AND g.check_name IS NOT NULL AND g.commit_sha IS NOT NULL
    ORDER BY g.tenant, g.repository_full_name, g.event_type, g.check_name, g.commit_sha, coalesce(g.delivery_id, g.id), g."position"),
commits AS (
    SELECT tenant, event_type, repository, check_name, commit_sha,
           count(*) AS runs,
           count(*) FILTER (WHERE outcome = 'failure') AS failures,
           bool_or(outcome = 'success') AND bool_or(outcome = 'failure') AS is_flaky,
           max(received_at) AS last_at
    FROM runs
    WHERE outcome IN ('success', 'failure')
    GROUP BY 1, 2, 3, 4, 5)
SELECT tenant,
       repository,
       event_type AS kind,
       check_name,
       count(*) AS commits,
       sum(runs)::bigint AS runs,
       sum(failures)::bigint AS failures,
       round(sum(failures) / sum(runs), 4) AS failure_rate,
       count(*) FILTER (WHERE is_flaky) AS flaky_commits,
       round(count(*) FILTER (WHERE is_flaky) / count(*)::numeric, 4) AS flaky_rate,
       max(last_at) FILTER (WHERE is_flaky) AS last_flaky_at
FROM commits
GROUP BY 1, 2, 3, 4;

COMMENT ON VIEW public.flaky_checks IS 'How reliable each check is, one row per repository, kind and check. GitHub tells one run as check_run and as workflow_job, so choose one kind before adding up. Flaky is what failed and succeeded on the same commit: WHERE flaky_commits > 0 ORDER BY flaky_rate DESC. Those of one repository are found by repository, and one check at once by repository and check_name.';
COMMENT ON COLUMN public.flaky_checks.tenant IS 'Whose it is; "default" unless several tenants are configured.';
COMMENT ON COLUMN public.flaky_checks.repository IS 'owner/name.';
COMMENT ON COLUMN public.flaky_checks.kind IS 'check_run, workflow_run, workflow_job or status (of a commit).';
COMMENT ON COLUMN public.flaky_checks.check_name IS 'Name of the check, workflow or job, or context of the status. Untrusted text.';
COMMENT ON COLUMN public.flaky_checks.commits IS 'Commits on which it succeeded or failed.';
COMMENT ON COLUMN public.flaky_checks.runs IS 'How often it succeeded or failed; cancelled, skipped and neutral runs do not count.';
COMMENT ON COLUMN public.flaky_checks.failures IS 'How often it failed, timed out, could not start or was in error.';
COMMENT ON COLUMN public.flaky_checks.failure_rate IS 'failures of runs, from 0 to 1.';
COMMENT ON COLUMN public.flaky_checks.flaky_commits IS 'Commits on which it did both.';
COMMENT ON COLUMN public.flaky_checks.flaky_rate IS 'flaky_commits of commits, from 0 to 1.';
COMMENT ON COLUMN public.flaky_checks.last_flaky_at IS 'When the newest run on a flaky commit was received.';
