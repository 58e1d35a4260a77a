-- How long each pull request took, part by part, from its first commit to production. Looked up by index from the one
-- pull request, so one, and the newest ones, cost the same however many there are.
CREATE VIEW public.pull_request_flow AS
SELECT p.tenant,
       p.key,
       p.subject,
       p.repository,
       p.number,
       p.title,
       p.author,
       coalesce(t.teams, '{}') AS teams,
       coalesce(t.issues, '{}') AS issues,
       CASE WHEN p.is_merged THEN 'merged' ELSE p.state END AS state,
       coalesce(p.is_draft, false) AS is_draft,
       g.started_at,
       p.created_at AS opened_at,
       v.ready_at,
       v.first_review_at,
       v.approved_at,
       p.merged_at,
       d.deployed_at,
       CASE WHEN g.first_commit_at IS NOT NULL THEN hooklake.hours(g.started_at, p.created_at) END AS coding_hours,
       hooklake.hours(v.waited_from, v.first_review_at) AS pickup_hours,
       CASE WHEN v.first_review_at <= p.merged_at THEN hooklake.hours(v.first_review_at, p.merged_at) END AS review_hours,
       hooklake.hours(p.merged_at, d.deployed_at) AS deploy_hours,
       hooklake.hours(p.created_at, p.merged_at) AS open_hours,
       hooklake.hours(g.started_at, d.deployed_at) AS cycle_hours,
       v.reviews,
       v.reviewers,
       p.additions + p.deletions AS lines_changed,
       p.url,
       p."position"
FROM public.pull_requests p
CROSS JOIN LATERAL (SELECT g.* FROM public.pull_request_started g WHERE g.tenant = p.tenant AND g.key = p.key LIMIT 1) AS g
CROSS JOIN LATERAL (SELECT v.* FROM public.pull_request_reviewed v WHERE v.tenant = p.tenant AND v.key = p.key LIMIT 1) AS v
CROSS JOIN LATERAL (SELECT d.* FROM public.pull_request_deployed d WHERE d.tenant = p.tenant AND d.key = p.key LIMIT 1) AS d
CROSS JOIN LATERAL (
    SELECT array_agg(DISTINCT l.team ORDER BY l.team) FILTER (WHERE l.team IS NOT NULL) AS teams, array_agg(DISTINCT l.issue ORDER BY l.issue) AS issues
    FROM public.pull_request_issues l
    WHERE l.tenant = p.tenant AND l.pull_request_key = p.key) AS t
WHERE NOT p.is_deleted;

COMMENT ON VIEW public.pull_request_flow IS 'Cycle time of every pull request with its parts: coding (first commit to opening), pickup (to the first review), review (to the merge), deploy (to production). A part is NULL while its end is not reached or not known. One is found at once by subject or key, and the newest by ORDER BY "position", opened_at or merged_at DESC LIMIT.';
COMMENT ON COLUMN public.pull_request_flow.tenant IS 'Whose it is; "default" unless several tenants are configured.';
COMMENT ON COLUMN public.pull_request_flow.key IS 'pull_requests.key.';
COMMENT ON COLUMN public.pull_request_flow.subject IS 'github:owner/name#42, as correlated_events calls it.';
COMMENT ON COLUMN public.pull_request_flow.repository IS 'owner/name.';
COMMENT ON COLUMN public.pull_request_flow.number IS 'Number of the pull request in its repository.';
COMMENT ON COLUMN public.pull_request_flow.title IS 'Title of the pull request. Untrusted text.';
COMMENT ON COLUMN public.pull_request_flow.author IS 'Login of who opened it.';
COMMENT ON COLUMN public.pull_request_flow.teams IS 'Keys of the Linear teams whose issues it is for; empty when it is for none.';
COMMENT ON COLUMN public.pull_request_flow.issues IS 'The issues that it is for: HEL-42, owner/name#2.';
COMMENT ON COLUMN public.pull_request_flow.state IS 'open, merged, or closed without a merge.';
COMMENT ON COLUMN public.pull_request_flow.is_draft IS 'True when it is not yet ready for review.';
COMMENT ON COLUMN public.pull_request_flow.started_at IS 'Time of its first known commit, or of its opening if that was earlier or no commit is known (pull_request_started).';
COMMENT ON COLUMN public.pull_request_flow.opened_at IS 'When it was opened.';
COMMENT ON COLUMN public.pull_request_flow.ready_at IS 'When it was opened, or stopped being a draft, the last time before its first review; NULL while it is one.';
COMMENT ON COLUMN public.pull_request_flow.first_review_at IS 'When someone else than its author first submitted a review.';
COMMENT ON COLUMN public.pull_request_flow.approved_at IS 'When someone else than its author first approved it.';
COMMENT ON COLUMN public.pull_request_flow.merged_at IS 'When it was merged.';
COMMENT ON COLUMN public.pull_request_flow.deployed_at IS 'When the first successful deployment to production ended that brought it (pull_request_deployed).';
COMMENT ON COLUMN public.pull_request_flow.coding_hours IS 'From the first commit to opening; 0 when it was opened first, NULL when no commit is known.';
COMMENT ON COLUMN public.pull_request_flow.pickup_hours IS 'The wait for a reviewer: from opening, or the end of the draft, to first_review_at; of one that was reviewed as a draft from opening.';
COMMENT ON COLUMN public.pull_request_flow.review_hours IS 'first_review_at to merged_at; NULL when it was merged before anybody reviewed it.';
COMMENT ON COLUMN public.pull_request_flow.deploy_hours IS 'merged_at to deployed_at.';
COMMENT ON COLUMN public.pull_request_flow.open_hours IS 'opened_at to merged_at.';
COMMENT ON COLUMN public.pull_request_flow.cycle_hours IS 'started_at to deployed_at: lead time for changes, as workflows.cycle_time.';
COMMENT ON COLUMN public.pull_request_flow.reviews IS 'Reviews by others than the author.';
COMMENT ON COLUMN public.pull_request_flow.reviewers IS 'How many others reviewed it.';
COMMENT ON COLUMN public.pull_request_flow.lines_changed IS 'Lines added and deleted; NULL until an event of the pull request itself came.';
COMMENT ON COLUMN public.pull_request_flow.url IS 'Where a person can look at it.';
