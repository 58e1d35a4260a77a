-- How the checks of each commit stand. A check that was run again counts by its last run. A name alone is no check: two
-- workflows may each have a job `build`, and one workflow runs twice when a push and a pull request start it. GitHub shows them
-- all. One that no job is known of, as those of other apps, is told apart by its suite, in which it is run again.
CREATE VIEW public.commit_checks AS
SELECT c.tenant, c.repository_id, c.head_sha,
       CASE WHEN bool_or(c.outcome = 'failure') THEN 'failure'
            WHEN bool_or(coalesce(c.outcome, 'undecided') = 'undecided') THEN 'pending' ELSE 'success' END AS state,
       min(c.completed_at) FILTER (WHERE c.outcome = 'failure') AS failed_at,
       max(c.completed_at) AS completed_at
FROM (SELECT DISTINCT ON (c.tenant, c.repository_id, c.head_sha, c.kind, c.app, c.name, w.workflow, w.event, coalesce(w.workflow, c.suite_id::text))
             c.tenant, c.repository_id, c.head_sha, c.completed_at, hooklake.check_outcome(c.conclusion) AS outcome
      FROM public.checks c
      -- A check run of GitHub Actions has the number of its job.
      LEFT JOIN LATERAL (
          SELECT j.workflow, r.event FROM public.workflow_jobs j
          LEFT JOIN public.workflow_runs r ON r.tenant = j.tenant AND r.key = j.run_key
          WHERE j.tenant = c.tenant AND j.key = 'github:workflow_job/' || c.check_id AND j.name = c.name
            AND c.kind = 'check_run' LIMIT 1) AS w ON true
      WHERE c.kind IN ('check_run', 'status') AND c.head_sha IS NOT NULL AND NOT c.is_deleted
      ORDER BY c.tenant, c.repository_id, c.head_sha, c.kind, c.app, c.name, w.workflow, w.event, coalesce(w.workflow, c.suite_id::text),
               c.started_at DESC NULLS LAST, c.check_id DESC) AS c
GROUP BY 1, 2, 3;

COMMENT ON VIEW public.commit_checks IS 'How the checks of a commit stand, one row per commit that has any: check runs and statuses, each by its last run; checks of one name in two workflows or suites are two. The runs are in checks; how reliable a check is says flaky_checks.';
COMMENT ON COLUMN public.commit_checks.state IS 'failure when any failed, pending when any is under way or was cancelled, else success.';
COMMENT ON COLUMN public.commit_checks.failed_at IS 'When the first of those ended that fail now.';
COMMENT ON COLUMN public.commit_checks.completed_at IS 'When the last of them ended.';
