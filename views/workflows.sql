-- Stories: an issue, the pull request that is for it, its review and checks, the merge and the deployment that brought it to
-- production; with the time of each step, the waits between them, and how far it has come. Made of what things are now and
-- of their history, so the order in which events arrive does not matter.
CREATE VIEW public.workflows AS
WITH issue_links AS (
    -- Each issue of each pull request with its strongest evidence, said by either of them.
    -- What somebody says in a comment is weaker than what its author says.
    SELECT tenant, pull_request, issue, max(confidence - CASE WHEN rule = 'reference_in_comment' THEN 1 ELSE 0 END) AS confidence,
           min("position") AS first_position
    FROM (SELECT tenant, lower(subject) AS pull_request, lower(related_subject) AS issue, rule, confidence, "position"
          FROM public.known_links WHERE correlation_type = 'pr_to_issue'
          UNION ALL
          SELECT tenant, lower(related_subject), lower(subject), rule, confidence, "position"
          FROM public.known_links WHERE correlation_type = 'issue_to_pr') AS said
    GROUP BY 1, 2, 3),
issue_of AS (
    SELECT DISTINCT ON (tenant, pull_request) tenant, pull_request, issue
    FROM issue_links ORDER BY tenant, pull_request, confidence DESC, first_position, issue),
issues_of AS (
    SELECT l.tenant, l.pull_request, array_agg(coalesce(i.subject, l.issue) ORDER BY l.confidence DESC, l.first_position, l.issue) AS issues
    FROM issue_links l LEFT JOIN public.issues i ON i.tenant = l.tenant AND lower(i.subject) = l.issue
    GROUP BY 1, 2),
history AS (
    SELECT h.tenant, h.key,
           min(h.version_at) FILTER (WHERE h.state ->> 'is_draft' = 'true') AS draft_at,
           min(h.version_at) FILTER (WHERE h.state ->> 'is_draft' = 'false') AS not_draft_at,
           min(h.version_at) FILTER (WHERE h.state ->> 'state' = 'closed' AND h.state ->> 'is_merged' IS DISTINCT FROM 'true') AS closed_at,
           max(h.version_at) FILTER (WHERE h.state ->> 'state' = 'open') AS open_at,
           min(h.version_at) FILTER (WHERE jsonb_typeof(h.state -> 'requested_reviewers') = 'array' AND h.state -> 'requested_reviewers' <> '[]') AS requested_at
    FROM public.entity_history h WHERE h.entity = 'pull_request' GROUP BY 1, 2),
reviewed AS (
    SELECT r.tenant, r.pull_request_key, min(r.submitted_at) AS first_at, min(r.submitted_at) FILTER (WHERE r.state = 'approved') AS approved_at,
           count(*) AS reviews, count(*) FILTER (WHERE r.state = 'changes_requested') AS changes_requested, count(DISTINCT r.reviewer) AS reviewers
    FROM public.reviews r JOIN public.pull_requests p ON p.tenant = r.tenant AND p.key = r.pull_request_key
    -- An author's own remarks are no review.
    WHERE r.reviewer IS DISTINCT FROM p.author AND NOT r.is_deleted
    GROUP BY 1, 2),
checked AS (
    SELECT c.tenant, lower(c.repository) AS repository, c.head_sha,
           CASE WHEN bool_or(c.conclusion IN ('failure', 'error', 'timed_out', 'cancelled', 'action_required', 'startup_failure')) THEN 'failure'
                WHEN bool_or(c.conclusion IS NULL) THEN 'pending' ELSE 'success' END AS state,
           max(c.completed_at) AS completed_at
    FROM (SELECT DISTINCT ON (tenant, lower(repository), head_sha, name) * FROM public.checks
          WHERE kind IN ('check_run', 'status') AND NOT is_deleted
          -- A check that was run again counts by its last run.
          ORDER BY tenant, lower(repository), head_sha, name, started_at DESC NULLS LAST, check_id DESC) AS c
    GROUP BY 1, 2, 3),
branch_of AS (
    SELECT DISTINCT tenant, lower(subject) AS pull_request, lower(related_subject) AS branch
    FROM public.event_correlations WHERE correlation_type = 'pr_to_branch'),
pushed AS (
    SELECT l.tenant, lower(l.related_subject) AS branch, c.committed_at
    FROM public.event_correlations l JOIN public.commits c ON c.tenant = l.tenant AND c.subject = l.subject
    WHERE l.correlation_type = 'commit_to_branch'),
began AS (
    SELECT p.tenant, p.key, min(g.committed_at) AS first_commit_at
    FROM (SELECT p.*, b.branch,
                 -- A name that is used again belongs to the one before until that was closed.
                 lag(p.closed_at) OVER (PARTITION BY p.tenant, b.branch ORDER BY p.created_at, p.number) AS taken_until
          FROM public.pull_requests p JOIN branch_of b ON b.tenant = p.tenant AND b.pull_request = lower(p.subject)) AS p
    JOIN pushed g ON g.tenant = p.tenant AND g.branch = p.branch AND g.committed_at > coalesce(p.taken_until, '-infinity')
                 AND g.committed_at <= coalesce(p.closed_at, 'infinity')
    GROUP BY 1, 2),
succeeded AS (
    SELECT h.tenant, h.key, min(coalesce((h.state ->> 'finished_at')::timestamptz, h.version_at)) AS finished_at
    FROM public.entity_history h WHERE h.entity = 'deployment' AND h.state ->> 'status' IN ('success', 'succeeded') GROUP BY 1, 2),
live AS (
    SELECT d.tenant, lower(d.repository) AS repository, lower(d.commit_sha) AS commit_sha, d.subject, s.finished_at
    FROM public.deployments d JOIN succeeded s ON s.tenant = d.tenant AND s.key = d.key
    WHERE d.environment ~* '^(prod|production|live)($|[^a-z])'),
landed AS (
    SELECT tenant, lower(repository) AS repository, base_ref, merged_at AS at, key, NULL::timestamptz AS finished_at, NULL::text AS deployment
    FROM public.pull_requests WHERE is_merged AND merged_at IS NOT NULL
    UNION ALL
    SELECT d.tenant, d.repository, q.base_ref, q.merged_at, NULL, d.finished_at, d.subject
    FROM live d JOIN public.pull_requests q ON q.tenant = d.tenant AND lower(q.repository) = d.repository AND q.merge_commit_sha = d.commit_sha AND q.is_merged
    UNION ALL
    -- A commit that was pushed without a pull request.
    SELECT d.tenant, d.repository, r.default_branch, c.committed_at, NULL, d.finished_at, d.subject
    FROM live d
    JOIN public.commits c ON c.tenant = d.tenant AND lower(c.repository) = d.repository AND c.sha = d.commit_sha
    JOIN public.repositories r ON r.tenant = d.tenant AND lower(r.full_name) = d.repository
    WHERE NOT EXISTS (SELECT FROM public.pull_requests q WHERE q.tenant = d.tenant AND q.merge_commit_sha = d.commit_sha AND q.is_merged)),
brought AS (
    -- A deployment brings what had landed on its branch by the time that its commit did; the first to bring it counts.
    SELECT tenant, key, repository, deployed_at
    FROM (SELECT tenant, key, repository, min(finished_at) OVER (PARTITION BY tenant, repository, base_ref ORDER BY at DESC) AS deployed_at FROM landed) AS l
    WHERE key IS NOT NULL),
deploying AS (SELECT DISTINCT tenant, repository FROM live),
reverted AS (
    SELECT l.tenant, lower(l.related_subject) AS pull_request, min(q.subject) AS reverted_by, min(q.merged_at) AS reverted_at
    FROM public.known_links l JOIN public.pull_requests q ON q.tenant = l.tenant AND lower(q.subject) = lower(l.subject)
    WHERE l.correlation_type = 'pr_reverts_pr' GROUP BY 1, 2),
steps AS (
    SELECT p.tenant, lower(coalesce(p.repository, '')) AS in_repository, p.repository, p.subject AS pull_request, p.title, p.author, p.head_ref AS branch, p.url,
           coalesce(i.subject, f.issue) AS issue, coalesce(a.issues, '{}') AS issues, i.team, i.title AS issue_title, i.is_open AS issue_is_open,
           i.created_at AS issue_created_at, i.started_at AS issue_started_at, g.first_commit_at, p.created_at AS opened_at,
           CASE WHEN h.draft_at IS NULL THEN p.created_at WHEN p.is_draft THEN NULL ELSE h.not_draft_at END AS ready_at,
           h.requested_at AS review_requested_at, v.first_at AS first_review_at, v.approved_at, c.completed_at AS checks_completed_at,
           c.state AS checks, p.merged_at, p.closed_at, b.deployed_at, i.closed_at AS issue_closed_at,
           coalesce(v.reviews, 0) AS reviews, coalesce(v.reviewers, 0) AS reviewers, coalesce(v.changes_requested, 0) AS changes_requested,
           coalesce(h.open_at > h.closed_at, false) AS is_reopened, r.reverted_by, r.reverted_at, coalesce(p.is_merged, false) AS is_merged,
           p.state AS pull_request_state, i.state_type, EXISTS (SELECT FROM deploying d WHERE d.tenant = p.tenant AND d.repository = lower(p.repository)) AS is_deploying,
           p."position"
    FROM public.pull_requests p
    LEFT JOIN issue_of f ON f.tenant = p.tenant AND f.pull_request = lower(p.subject)
    LEFT JOIN issues_of a ON a.tenant = p.tenant AND a.pull_request = lower(p.subject)
    LEFT JOIN public.issues i ON i.tenant = p.tenant AND lower(i.subject) = f.issue
    LEFT JOIN history h ON h.tenant = p.tenant AND h.key = p.key
    LEFT JOIN reviewed v ON v.tenant = p.tenant AND v.pull_request_key = p.key
    LEFT JOIN checked c ON c.tenant = p.tenant AND c.repository = lower(p.repository) AND c.head_sha = p.head_sha
    LEFT JOIN began g ON g.tenant = p.tenant AND g.key = p.key
    LEFT JOIN brought b ON b.tenant = p.tenant AND b.key = p.key
    LEFT JOIN reverted r ON r.tenant = p.tenant AND r.pull_request = lower(p.subject)
    UNION ALL
    SELECT i.tenant, NULL, i.repository, NULL, i.title, NULL, NULL, i.url, i.subject, ARRAY[i.subject], i.team, i.title, i.is_open,
           i.created_at, i.started_at, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, i.closed_at,
           0, 0, 0, false, NULL, NULL, false, NULL, i.state_type, false, i."position"
    FROM public.issues i
    WHERE NOT i.is_deleted
      AND NOT EXISTS (SELECT FROM issue_links l JOIN public.pull_requests p ON p.tenant = l.tenant AND lower(p.subject) = l.pull_request
                      WHERE l.tenant = i.tenant AND l.issue = lower(i.subject)))
SELECT coalesce(s.issue, s.pull_request) AS workflow,
       s.issue, s.issues, coalesce(s.issue_title, s.title) AS title, s.team, s.pull_request, s.repository, s.branch, s.author,
       CASE WHEN s.reverted_at IS NOT NULL THEN 'reverted'
            WHEN s.deployed_at IS NOT NULL THEN 'deployed'
            WHEN s.is_merged THEN 'merged'
            WHEN s.pull_request_state = 'closed' THEN 'abandoned'
            WHEN s.pull_request IS NOT NULL THEN 'in_review'
            WHEN s.state_type = 'canceled' THEN 'cancelled'
            WHEN s.issue_is_open IS FALSE THEN 'done'
            WHEN s.issue_started_at IS NOT NULL THEN 'in_progress'
            ELSE 'planned' END AS state,
       CASE WHEN s.reverted_at IS NOT NULL OR (s.pull_request_state = 'closed' AND NOT s.is_merged) OR s.state_type = 'canceled' THEN false
            WHEN s.pull_request IS NULL THEN NOT s.issue_is_open
            ELSE s.is_merged AND s.issue_is_open IS NOT TRUE AND (s.deployed_at IS NOT NULL OR NOT s.is_deploying) END AS is_complete,
       round((num_nonnulls(s.first_commit_at, s.opened_at, s.first_review_at, s.approved_at, s.merged_at)
              + CASE WHEN s.checks = 'success' OR s.is_merged THEN 1 ELSE 0 END
              + CASE WHEN s.deployed_at IS NOT NULL OR (s.is_merged AND NOT s.is_deploying) THEN 1 ELSE 0 END) / 7.0, 2) AS progress,
       s.is_reopened, s.reverted_by, s.reverted_at, s.checks, s.reviews, s.reviewers, s.changes_requested,
       s.issue_created_at, s.issue_started_at, s.first_commit_at, s.opened_at, s.ready_at, s.review_requested_at, s.first_review_at,
       s.approved_at, s.checks_completed_at, s.merged_at, s.closed_at, s.deployed_at, s.issue_closed_at,
       s.opened_at - s.first_commit_at AS coding_time,
       s.first_review_at - greatest(s.ready_at, s.opened_at) AS review_wait,
       s.approved_at - s.first_review_at AS review_time,
       s.merged_at - s.approved_at AS merge_wait,
       s.deployed_at - s.merged_at AS deploy_wait,
       s.deployed_at - s.first_commit_at AS cycle_time,
       s.deployed_at - s.issue_created_at AS lead_time,
       s.url, s.tenant, s."position"
FROM steps s;

COMMENT ON VIEW public.workflows IS 'The story of each piece of work: its issue, branch, pull request, review, checks, merge and deployment to production, with when each step was made and how long it waited. One row per pull request, and one per issue that no pull request is for. Stuck work: WHERE state = ''in_review'' AND first_review_at IS NULL. How long it takes from commit to production: avg(cycle_time) WHERE state = ''deployed''.';
COMMENT ON COLUMN public.workflows.workflow IS 'Name of the story: its issue, or its pull request when it has none. Several pull requests may be for one issue.';
COMMENT ON COLUMN public.workflows.issue IS 'The issue that it is for, by the strongest evidence: linear:HEL-42 or github:owner/repo#7. NULL when nothing names one.';
COMMENT ON COLUMN public.workflows.issues IS 'All issues that it is for.';
COMMENT ON COLUMN public.workflows.title IS 'Title of the issue, or of the pull request.';
COMMENT ON COLUMN public.workflows.team IS 'Key of the Linear team.';
COMMENT ON COLUMN public.workflows.pull_request IS 'github:owner/repo#12; join with pull_requests on subject. NULL when there is none yet.';
COMMENT ON COLUMN public.workflows.author IS 'GitHub login of who opened the pull request.';
COMMENT ON COLUMN public.workflows.state IS 'planned, in_progress (issue started, no pull request), in_review (open pull request, drafts too), merged, deployed (to production), reverted (taken back by a merged pull request), abandoned (closed without a merge), cancelled or done (issue closed without a pull request).';
COMMENT ON COLUMN public.workflows.is_complete IS 'True when nothing is left to do: merged, in production where its repository is deployed at all, and its issue closed. False also for what ended otherwise.';
COMMENT ON COLUMN public.workflows.progress IS 'Part of its steps that are made, 0 to 1: first commit, opened, first review, approval, checks passed, merged, deployed.';
COMMENT ON COLUMN public.workflows.is_reopened IS 'The pull request was closed and opened again.';
COMMENT ON COLUMN public.workflows.reverted_by IS 'The pull request that takes it back, merged or not.';
COMMENT ON COLUMN public.workflows.reverted_at IS 'When that was merged.';
COMMENT ON COLUMN public.workflows.checks IS 'Checks of its newest commit: success, failure or pending; NULL when there are none. A check that was run again counts by its last run.';
COMMENT ON COLUMN public.workflows.reviews IS 'Reviews by others than the author.';
COMMENT ON COLUMN public.workflows.changes_requested IS 'Reviews that asked for changes.';
COMMENT ON COLUMN public.workflows.first_commit_at IS 'Time of the first commit that was pushed to its branch.';
COMMENT ON COLUMN public.workflows.ready_at IS 'When it was opened, or stopped being a draft; NULL while it is one.';
COMMENT ON COLUMN public.workflows.review_requested_at IS 'When somebody was first asked to review.';
COMMENT ON COLUMN public.workflows.deployed_at IS 'When the first successful deployment to production ended whose commit landed on the same branch then or later.';
COMMENT ON COLUMN public.workflows.issue_closed_at IS 'When the issue was completed, cancelled or closed.';
COMMENT ON COLUMN public.workflows.coding_time IS 'From the first commit to opening.';
COMMENT ON COLUMN public.workflows.review_wait IS 'From opening, or the end of the draft, to the first review.';
COMMENT ON COLUMN public.workflows.review_time IS 'From the first review to the first approval.';
COMMENT ON COLUMN public.workflows.merge_wait IS 'From the first approval to the merge.';
COMMENT ON COLUMN public.workflows.deploy_wait IS 'From the merge to production.';
COMMENT ON COLUMN public.workflows.cycle_time IS 'From the first commit to production.';
COMMENT ON COLUMN public.workflows.lead_time IS 'From the creation of the issue to production.';
COMMENT ON COLUMN public.workflows."position" IS 'The event that told the newest version of the pull request, or of the issue; join with events on it.';
COMMENT ON COLUMN public.workflows.repository IS 'owner/name.';
COMMENT ON COLUMN public.workflows.branch IS 'Branch with the changes.';
COMMENT ON COLUMN public.workflows.reviewers IS 'How many different people reviewed it.';
COMMENT ON COLUMN public.workflows.issue_created_at IS 'When the issue was made.';
COMMENT ON COLUMN public.workflows.issue_started_at IS 'When work on the issue began, as Linear says.';
COMMENT ON COLUMN public.workflows.first_review_at IS 'When somebody else than its author first reviewed it.';
COMMENT ON COLUMN public.workflows.approved_at IS 'When it was first approved.';
COMMENT ON COLUMN public.workflows.checks_completed_at IS 'When the last check of its newest commit ended.';
