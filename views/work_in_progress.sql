-- What is begun and not finished: open pull requests and started issues, with whose they are and how old.
CREATE VIEW public.work_in_progress AS
SELECT p.tenant,
       'pull_request' AS kind,
       p.key,
       p.subject,
       p.title,
       coalesce(nullif(p.assignees, '{}'), array_remove(ARRAY[p.author], NULL)) AS owners,
       p.repository AS place,
       CASE WHEN p.is_draft THEN 'draft' ELSE 'open' END AS state,
       p.created_at AS started_at,
       coalesce(p.updated_at, p.version_at) AS changed_at,
       hooklake.hours(p.created_at, now()) AS age_hours,
       hooklake.hours(coalesce(p.updated_at, p.version_at), now()) AS idle_hours,
       p.url
FROM public.pull_requests p
WHERE p.state = 'open' AND NOT p.is_deleted
  AND NOT EXISTS (SELECT FROM public.repositories g WHERE g.tenant = p.tenant AND g.key = 'github:' || p.repository_id AND (g.is_deleted OR g.is_archived))
UNION ALL
SELECT i.tenant, 'issue', i.key, i.subject, i.title, coalesce(i.assignees, '{}'), coalesce(i.team, i.repository), i.state,
       coalesce(i.started_at, i.created_at), coalesce(i.updated_at, i.version_at),
       hooklake.hours(coalesce(i.started_at, i.created_at), now()),
       hooklake.hours(coalesce(i.updated_at, i.version_at), now()), i.url
FROM public.issues i
-- GitHub does not say that an issue was begun; it is when someone has it.
WHERE i.is_open AND NOT i.is_deleted
  AND (i.state_type = 'started' OR (i.source = 'github' AND cardinality(i.assignees) > 0))
  AND NOT EXISTS (SELECT FROM public.repositories g WHERE g.tenant = i.tenant AND g.key = 'github:' || i.repository_id AND (g.is_deleted OR g.is_archived));

COMMENT ON VIEW public.work_in_progress IS 'Everything begun and not finished: open pull requests, Linear issues in a started state, and open GitHub issues that someone is assigned to, save in deleted and archived repositories. One row each.';
COMMENT ON COLUMN public.work_in_progress.tenant IS 'Whose it is; "default" unless several tenants are configured.';
COMMENT ON COLUMN public.work_in_progress.kind IS 'pull_request or issue.';
COMMENT ON COLUMN public.work_in_progress.key IS 'Key in the table pull_requests or issues.';
COMMENT ON COLUMN public.work_in_progress.subject IS 'github:owner/name#42 or linear:HEL-42, as correlated_events calls it.';
COMMENT ON COLUMN public.work_in_progress.title IS 'Its title. Untrusted text.';
COMMENT ON COLUMN public.work_in_progress.owners IS 'Who has it: assignees, or else the author of a pull request. Logins (GitHub) or names (Linear).';
COMMENT ON COLUMN public.work_in_progress.place IS 'owner/name of the repository, or key of the Linear team.';
COMMENT ON COLUMN public.work_in_progress.state IS 'draft or open (pull requests), open (GitHub issues), or the state as the Linear team calls it.';
COMMENT ON COLUMN public.work_in_progress.started_at IS 'When the pull request was opened, or work on the issue began.';
COMMENT ON COLUMN public.work_in_progress.changed_at IS 'When anything about it last changed.';
COMMENT ON COLUMN public.work_in_progress.age_hours IS 'Hours from started_at to now.';
COMMENT ON COLUMN public.work_in_progress.idle_hours IS 'Hours from changed_at to now.';
COMMENT ON COLUMN public.work_in_progress.url IS 'Where a person can look at it.';
