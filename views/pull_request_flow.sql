-- How long each pull request took, part by part, from its first commit to production.
CREATE VIEW public.pull_request_flow AS
WITH coded AS (
    SELECT c.tenant, lower(c.related_subject) AS subject, min(m.committed_at) AS first_commit_at
    FROM public.event_correlations c
    JOIN public.commits m ON m.tenant = c.tenant AND m.sha = substr(c.subject, length('commit:') + 1)
    WHERE c.correlation_type = 'commit_to_pr'
    GROUP BY 1, 2),
reviewed AS (
    SELECT r.tenant, r.pull_request_key,
           min(r.submitted_at) AS first_review_at,
           min(r.submitted_at) FILTER (WHERE r.state = 'approved') AS approved_at,
           count(*) AS reviews,
           count(DISTINCT lower(r.reviewer)) AS reviewers
    FROM public.reviews r
    JOIN public.pull_requests p ON p.tenant = r.tenant AND p.key = r.pull_request_key
    -- What authors say of their own is no review.
    WHERE lower(r.reviewer) IS DISTINCT FROM lower(p.author) AND NOT r.is_deleted
    GROUP BY 1, 2),
landed AS (
    SELECT p.tenant, p.key, lower(p.repository) AS repository, p.base_ref AS branch, p.merged_at AS landed_at, NULL::timestamptz AS finished_at
    FROM public.pull_requests p
    WHERE p.is_merged AND p.merged_at IS NOT NULL
    UNION ALL
    -- The clock of the machine that deploys may be an hour behind.
    SELECT d.tenant, NULL, lower(d.repository), d.branch, d.landed_at, d.finished_at
    FROM public.deployed_commits d
    WHERE d.is_production AND d.landed_at IS NOT NULL AND d.began_at >= d.landed_at - interval '1 hour'),
brought AS (
    -- A deployment brings what had landed on its branch by the time that its commit did; the first to end counts.
    SELECT l.tenant, l.key,
           min(l.finished_at) OVER (PARTITION BY l.tenant, l.repository, l.branch ORDER BY l.landed_at DESC
                                    RANGE BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS deployed_at
    FROM landed l),
teams AS (
    SELECT l.tenant, l.pull_request_key,
           array_agg(DISTINCT l.team ORDER BY l.team) FILTER (WHERE l.team IS NOT NULL) AS teams,
           array_agg(DISTINCT l.issue ORDER BY l.issue) AS issues
    FROM public.pull_request_issues l
    GROUP BY 1, 2)
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
       least(c.first_commit_at, p.created_at) AS started_at,
       p.created_at AS opened_at,
       r.first_review_at,
       r.approved_at,
       p.merged_at,
       b.deployed_at,
       hooklake.hours(least(c.first_commit_at, p.created_at), p.created_at) AS coding_hours,
       hooklake.hours(p.created_at, r.first_review_at) AS pickup_hours,
       hooklake.hours(r.first_review_at, p.merged_at) AS review_hours,
       hooklake.hours(p.merged_at, b.deployed_at) AS deploy_hours,
       hooklake.hours(p.created_at, p.merged_at) AS open_hours,
       hooklake.hours(least(c.first_commit_at, p.created_at), b.deployed_at) AS cycle_hours,
       coalesce(r.reviews, 0) AS reviews,
       coalesce(r.reviewers, 0) AS reviewers,
       p.additions + p.deletions AS lines_changed,
       p.url
FROM public.pull_requests p
LEFT JOIN coded c ON c.tenant = p.tenant AND c.subject = lower(p.subject)
LEFT JOIN reviewed r ON r.tenant = p.tenant AND r.pull_request_key = p.key
LEFT JOIN brought b ON b.tenant = p.tenant AND b.key = p.key
LEFT JOIN teams t ON t.tenant = p.tenant AND t.pull_request_key = p.key
WHERE NOT p.is_deleted;

COMMENT ON VIEW public.pull_request_flow IS 'Cycle time of every pull request with its parts: coding (first commit to opening), pickup (to the first review), review (to the merge), deploy (to production). A part is NULL while its end is not reached or not known.';
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
COMMENT ON COLUMN public.pull_request_flow.started_at IS 'Time of its first known commit, or of its opening if that was earlier or no commit is known.';
COMMENT ON COLUMN public.pull_request_flow.opened_at IS 'When it was opened.';
COMMENT ON COLUMN public.pull_request_flow.first_review_at IS 'When someone else than its author first submitted a review.';
COMMENT ON COLUMN public.pull_request_flow.approved_at IS 'When someone else than its author first approved it.';
COMMENT ON COLUMN public.pull_request_flow.merged_at IS 'When it was merged.';
COMMENT ON COLUMN public.pull_request_flow.deployed_at IS 'When the first successful deployment to production ended whose commit landed on the same branch at its merge or later: that of deployed_commits, as workflows.deployed_at.';
COMMENT ON COLUMN public.pull_request_flow.coding_hours IS 'started_at to opened_at.';
COMMENT ON COLUMN public.pull_request_flow.pickup_hours IS 'opened_at to first_review_at: the wait for a reviewer.';
COMMENT ON COLUMN public.pull_request_flow.review_hours IS 'first_review_at to merged_at.';
COMMENT ON COLUMN public.pull_request_flow.deploy_hours IS 'merged_at to deployed_at.';
COMMENT ON COLUMN public.pull_request_flow.open_hours IS 'opened_at to merged_at.';
COMMENT ON COLUMN public.pull_request_flow.cycle_hours IS 'started_at to deployed_at: lead time for changes.';
COMMENT ON COLUMN public.pull_request_flow.reviews IS 'Reviews by others than the author.';
COMMENT ON COLUMN public.pull_request_flow.reviewers IS 'How many others reviewed it.';
COMMENT ON COLUMN public.pull_request_flow.lines_changed IS 'Lines added and deleted; NULL until an event of the pull request itself came.';
COMMENT ON COLUMN public.pull_request_flow.url IS 'Where a person can look at it.';
