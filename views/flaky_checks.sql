-- Checks that both failed and succeeded on one and the same commit: nothing but the check itself can be the reason. Two checks
-- that only share a name, as jobs of two workflows may, are not compared with one another.
CREATE VIEW public.flaky_checks AS
WITH runs AS (
    -- One event may be told by several hooks. What tells one check from another is among these, so that asking for one finds
    -- its runs by index.
    SELECT DISTINCT ON (g.tenant, g.repository_full_name, g.event_type, g.check_name, g.commit_sha, coalesce(g.delivery_id, g.id))
           g.tenant, g.event_type, g.repository_full_name AS repository, g.check_name, g.commit_sha, g.received_at,
           g.check_id, g.check_app, g.workflow_name, g.run_id,
           hooklake.check_outcome(coalesce(g.check_conclusion, g.check_status)) AS outcome
    FROM public.github_events g
    WHERE ((g.event_type IN ('check_run', 'workflow_run', 'workflow_job') AND g.action = 'completed') OR g.event_type = 'status')
      AND g.check_name IS NOT NULL AND g.commit_sha IS NOT NULL
    ORDER BY g.tenant, g.repository_full_name, g.event_type, g.check_name, g.commit_sha, coalesce(g.delivery_id, g.id), g."position"),
commits AS (
    SELECT r.tenant, r.event_type, r.repository, r.check_name, r.commit_sha,
           count(*) AS runs,
           count(*) FILTER (WHERE r.outcome = 'failure') AS failures,
           bool_or(r.outcome = 'success') AND bool_or(r.outcome = 'failure') AS is_flaky,
           max(r.received_at) AS last_at
    FROM runs r
    -- What it belongs to, as in commit_checks: its workflow and what that was started by, else its suite.
    LEFT JOIN LATERAL (
        SELECT j.workflow, j.run_key FROM public.workflow_jobs j
        WHERE j.tenant = r.tenant AND j.key = 'github:workflow_job/' || r.check_id AND j.name = r.check_name
          AND r.event_type = 'check_run' LIMIT 1) AS j ON true
    LEFT JOIN LATERAL (
        SELECT w.event FROM public.workflow_runs w
        WHERE w.tenant = r.tenant AND w.key = coalesce(j.run_key, 'github:workflow_run/' || r.run_id) LIMIT 1) AS w ON true
    LEFT JOIN LATERAL (
        SELECT c.suite_id::text AS suite FROM public.checks c
        WHERE c.tenant = r.tenant AND c.key = 'github:check_run/' || r.check_id
          AND r.event_type = 'check_run' AND j.workflow IS NULL LIMIT 1) AS c ON true
    WHERE r.outcome IN ('success', 'failure')
    GROUP BY 1, 2, 3, 4, 5, r.check_app, coalesce(r.workflow_name, j.workflow, c.suite), w.event)
SELECT tenant,
       repository,
       event_type AS kind,
       check_name,
       count(DISTINCT commit_sha) AS commits,
       sum(runs)::bigint AS runs,
       sum(failures)::bigint AS failures,
       round(sum(failures) / sum(runs), 4) AS failure_rate,
       count(DISTINCT commit_sha) FILTER (WHERE is_flaky) AS flaky_commits,
       round(count(DISTINCT commit_sha) FILTER (WHERE is_flaky) / count(DISTINCT commit_sha)::numeric, 4) AS flaky_rate,
       max(last_at) FILTER (WHERE is_flaky) AS last_flaky_at
FROM commits
GROUP BY 1, 2, 3, 4;

COMMENT ON VIEW public.flaky_checks IS 'How reliable each check is, one row per repository, kind and check. GitHub tells one run as check_run and as workflow_job, so choose one kind before adding up. Flaky is what failed and succeeded on the same commit, in one workflow or suite: WHERE flaky_commits > 0 ORDER BY flaky_rate DESC. Checks of one name in several are added up. Those of one repository are found by repository, and one check at once by repository and check_name.';
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
