-- Stories: an issue, the pull request that is for it, its review and checks, the merge and the deployment that brought it to
-- production; with the time of each step, the waits between them, and how far it has come. Made of what things are now and
-- of their history, so the order in which events arrive does not matter.
--
-- Whatever a story needs is looked up from its pull request or issue by an index, so one story, and the newest ones, cost
-- the same however long the log is. Each LATERAL ends in an aggregate or LIMIT: PostgreSQL plans it by itself then, for the
-- one value that it is given.
CREATE VIEW public.workflows AS
SELECT coalesce(s.issue, s.pull_request) AS workflow,
       s.issue, s.issues, coalesce(s.issue_title, s.title) AS title, s.team, s.pull_request, s.repository, s.branch, s.author,
       CASE WHEN s.reverted_at IS NOT NULL THEN 'reverted'
            WHEN s.deployed_at IS NOT NULL THEN 'deployed'
            WHEN s.is_merged THEN 'merged'
            WHEN s.pull_request_state = 'closed' THEN 'abandoned'
            WHEN s.pull_request IS NOT NULL THEN 'in_review'
            WHEN s.is_given_up THEN 'cancelled'
            WHEN s.issue_is_open IS FALSE THEN 'done'
            WHEN s.issue_started_at IS NOT NULL THEN 'in_progress'
            ELSE 'planned' END AS state,
       CASE WHEN s.reverted_at IS NOT NULL OR (s.pull_request_state = 'closed' AND NOT s.is_merged) OR s.is_given_up THEN false
            WHEN s.pull_request IS NULL THEN NOT s.issue_is_open
            ELSE s.is_merged AND s.issue_is_open IS NOT TRUE AND (s.deployed_at IS NOT NULL OR NOT s.is_deploying) END AS is_complete,
       round((num_nonnulls(s.first_commit_at, s.opened_at, s.first_review_at, s.approved_at, s.merged_at)
              + CASE WHEN s.checks = 'success' OR s.is_merged THEN 1 ELSE 0 END
              + CASE WHEN s.deployed_at IS NOT NULL OR (s.is_merged AND NOT s.is_deploying) THEN 1 ELSE 0 END) / 7.0, 2) AS progress,
       s.is_reopened, s.reverted_by, s.reverted_at, s.checks, s.reviews, s.reviewers, s.changes_requested,
       s.issue_created_at, s.issue_started_at, s.first_commit_at, s.opened_at, s.ready_at, s.review_requested_at, s.first_review_at,
       s.approved_at, s.checks_completed_at, s.merged_at, s.closed_at, s.deployed_at, s.issue_closed_at,
       CASE WHEN s.first_commit_at IS NOT NULL THEN s.opened_at - s.started_at END AS coding_time,
       s.first_review_at - s.waited_from AS review_wait,
       s.approved_at - s.first_review_at AS review_time,
       CASE WHEN s.approved_at <= s.merged_at THEN s.merged_at - s.approved_at END AS merge_wait,
       s.deployed_at - s.merged_at AS deploy_wait,
       s.deployed_at - s.started_at AS cycle_time,
       s.deployed_at - s.issue_created_at AS lead_time,
       s.url, s.tenant, s."position"
FROM (
    SELECT r.tenant, r.repository, r.pull_request, r.title, r.author, r.branch, r.url, r.is_merged, r.pull_request_state, r."position",
           coalesce(r.issue, f.issues[1]) AS issue,
           CASE WHEN r.pull_request IS NULL THEN ARRAY[r.issue] ELSE coalesce(f.issues, '{}') END AS issues,
           coalesce(r.team, n.team) AS team, coalesce(r.issue_title, n.title) AS issue_title,
           coalesce(r.issue_is_open, n.is_open) AS issue_is_open, coalesce(r.is_given_up, n.is_given_up) AS is_given_up,
           coalesce(r.issue_created_at, n.created_at) AS issue_created_at, coalesce(r.issue_started_at, n.started_at) AS issue_started_at,
           coalesce(r.issue_closed_at, n.closed_at) AS issue_closed_at, r.opened_at, g.first_commit_at, g.started_at,
           v.ready_at, v.requested_at AS review_requested_at, v.waited_from, v.first_review_at, v.approved_at, c.completed_at AS checks_completed_at,
           c.state AS checks, r.merged_at, r.closed_at, d.deployed_at, coalesce(v.reviews, 0) AS reviews, coalesce(v.reviewers, 0) AS reviewers,
           coalesce(v.changes_requested, 0) AS changes_requested, coalesce(v.is_reopened, false) AS is_reopened, t.reverted_by, t.reverted_at,
           coalesce(d.is_deploying, false) AS is_deploying
    FROM (
        SELECT p.tenant, p.key, p.subject AS pull_request, NULL::text AS issue, p.repository, p.repository_id, p.title, p.author,
               p.head_ref AS branch, p.head_sha, p.merge_commit_sha, p.url, p.state AS pull_request_state, coalesce(p.is_merged, false) AS is_merged,
               p.created_at AS opened_at, p.merged_at, p.closed_at, NULL::text AS team, NULL::text AS issue_title, NULL::boolean AS issue_is_open,
               NULL::boolean AS is_given_up, NULL::timestamptz AS issue_created_at, NULL::timestamptz AS issue_started_at,
               NULL::timestamptz AS issue_closed_at, false AS is_gone, p."position"
        FROM public.pull_requests p
        UNION ALL
        SELECT i.tenant, i.key, NULL, i.subject, i.repository, i.repository_id, i.title, NULL,
               NULL, NULL, NULL, i.url, NULL, false,
               NULL, NULL, NULL, i.team, i.title, i.is_open,
               g.is_given_up, i.created_at, i.started_at,
               i.closed_at, i.is_deleted, i."position"
        FROM public.issues i
        CROSS JOIN LATERAL (SELECT i.state_type IN ('canceled', 'duplicate') OR (NOT i.is_open AND i.state_reason IN ('not_planned', 'duplicate')) AS is_given_up) AS g) AS r
    -- The issues of a pull request by the strongest evidence; after them names that no issue is known by.
    CROSS JOIN LATERAL (
        SELECT array_agg(l.issue ORDER BY l.is_unknown, l.strength DESC, l.first_position, l.issue) AS issues
        FROM (SELECT coalesce(i.subject, l.issue) AS issue, bool_and(i.subject IS NULL) AS is_unknown, max(l.strength) AS strength, min(l."position") AS first_position
              FROM (SELECT l.issue, max(l.strength) AS strength, min(l."position") AS "position" FROM public.pull_request_links l
                    WHERE l.tenant = r.tenant AND l.pull_request = lower(r.pull_request)
                    GROUP BY 1) AS l
              LEFT JOIN LATERAL (
                  SELECT n.subject FROM public.issue_names n WHERE n.tenant = r.tenant AND n.name = l.issue
                  ORDER BY n.is_current DESC, n.is_deleted, n.version_at DESC LIMIT 1) AS i ON true
              GROUP BY 1) AS l) AS f
    LEFT JOIN LATERAL (
        SELECT i.*, i.state_type IN ('canceled', 'duplicate') OR (NOT i.is_open AND i.state_reason IN ('not_planned', 'duplicate')) AS is_given_up
        FROM public.issues i WHERE i.tenant = r.tenant AND lower(i.subject) = lower(f.issues[1])
        ORDER BY i.is_deleted, i.version_at DESC LIMIT 1) AS n ON true
    LEFT JOIN LATERAL (
        SELECT g.* FROM public.pull_request_started g WHERE g.tenant = r.tenant AND g.key = r.key AND r.pull_request IS NOT NULL LIMIT 1) AS g ON true
    LEFT JOIN LATERAL (
        SELECT v.* FROM public.pull_request_reviewed v WHERE v.tenant = r.tenant AND v.key = r.key AND r.pull_request IS NOT NULL LIMIT 1) AS v ON true
    LEFT JOIN LATERAL (
        SELECT c.* FROM public.commit_checks c WHERE c.tenant = r.tenant AND c.repository_id = r.repository_id AND c.head_sha = r.head_sha LIMIT 1) AS c ON true
    LEFT JOIN LATERAL (
        SELECT d.* FROM public.pull_request_deployed d WHERE d.tenant = r.tenant AND d.key = r.key AND r.pull_request IS NOT NULL LIMIT 1) AS d ON true
    -- Of several that take it back, the one that was merged first and was not taken back itself.
    LEFT JOIN LATERAL (
        SELECT t.reverted_by, t.reverted_at FROM public.pull_request_reverts t
        WHERE t.tenant = r.tenant AND t.key = r.key AND r.pull_request IS NOT NULL AND NOT t.is_taken_back
        ORDER BY t.reverted_at, t.reverted_by LIMIT 1) AS t ON true
    -- An issue that a pull request is for is told with that.
    WHERE r.pull_request IS NOT NULL OR NOT (r.is_gone OR EXISTS (
        SELECT FROM public.issue_names n
        CROSS JOIN LATERAL (SELECT l.pull_request FROM public.pull_request_links l WHERE l.tenant = r.tenant AND l.issue = n.name OFFSET 0) AS l
        WHERE n.tenant = r.tenant AND n.key = r.key
          AND EXISTS (SELECT FROM public.pull_requests p WHERE p.tenant = r.tenant AND lower(p.subject) = l.pull_request)))) AS s;

COMMENT ON VIEW public.workflows IS 'The story of each piece of work: its issue, branch, pull request, review, checks, merge and deployment to production, with when each step was made and how long it waited. One row per pull request, and one per issue that no pull request is for. Stuck work: WHERE state = ''in_review'' AND first_review_at IS NULL. How long it takes from commit to production: avg(cycle_time) WHERE state = ''deployed''. One story is found by pull_request or "position", and the newest by ORDER BY "position" DESC LIMIT, at once; other conditions tell every story first, so for one issue run the saved query story_of_issue, or ask issue_pull_requests for its pull requests first.';
COMMENT ON COLUMN public.workflows.workflow IS 'Name of the story: its issue, or its pull request when it has none. Several pull requests may be for one issue.';
COMMENT ON COLUMN public.workflows.issue IS 'The issue that it is for, by the strongest evidence: linear:HEL-42 or github:owner/repo#7. NULL when nothing names one.';
COMMENT ON COLUMN public.workflows.issues IS 'All issues that it is for.';
COMMENT ON COLUMN public.workflows.title IS 'Title of the issue, or of the pull request.';
COMMENT ON COLUMN public.workflows.team IS 'Key of the Linear team.';
COMMENT ON COLUMN public.workflows.pull_request IS 'github:owner/repo#12; join with pull_requests on subject. NULL when there is none yet.';
COMMENT ON COLUMN public.workflows.author IS 'GitHub login of who opened the pull request.';
COMMENT ON COLUMN public.workflows.state IS 'planned, in_progress (issue started, no pull request), in_review (open pull request, drafts too), merged, deployed (to production), reverted (taken back by a merged pull request), abandoned (closed without a merge), cancelled (issue cancelled, not planned or a duplicate) or done (issue closed without a pull request).';
COMMENT ON COLUMN public.workflows.is_complete IS 'True when nothing is left to do: merged, in production where its repository is deployed at all, and its issue closed. False also for what ended otherwise.';
COMMENT ON COLUMN public.workflows.progress IS 'Part of its steps that are made, 0 to 1: first commit, opened, first review, approval, checks passed, merged, deployed.';
COMMENT ON COLUMN public.workflows.is_reopened IS 'The pull request was closed and opened again.';
COMMENT ON COLUMN public.workflows.reverted_by IS 'The pull request that takes it back, merged or not; of several the one that was merged first and was not taken back itself.';
COMMENT ON COLUMN public.workflows.reverted_at IS 'When that was merged.';
COMMENT ON COLUMN public.workflows.checks IS 'Checks of its newest commit: success, failure or pending (also after one was cancelled); NULL when there are none. A check that was run again counts by its last run.';
COMMENT ON COLUMN public.workflows.reviews IS 'Reviews by others than the author.';
COMMENT ON COLUMN public.workflows.changes_requested IS 'Reviews that asked for changes.';
COMMENT ON COLUMN public.workflows.first_commit_at IS 'Time of the first commit that was pushed to its branch or was its head (pull_request_started).';
COMMENT ON COLUMN public.workflows.ready_at IS 'When it was opened, or stopped being a draft, the last time before its first review; NULL while it is one (pull_request_reviewed).';
COMMENT ON COLUMN public.workflows.review_requested_at IS 'When somebody was first asked to review.';
COMMENT ON COLUMN public.workflows.deployed_at IS 'When the first successful deployment to production ended that brought it (pull_request_deployed).';
COMMENT ON COLUMN public.workflows.issue_closed_at IS 'When the issue was completed, cancelled or closed.';
COMMENT ON COLUMN public.workflows.coding_time IS 'From the first commit to opening; 0 when it was opened first, NULL when no commit is known.';
COMMENT ON COLUMN public.workflows.review_wait IS 'From opening, or the end of the draft, to the first review; of one that was reviewed as a draft from opening.';
COMMENT ON COLUMN public.workflows.review_time IS 'From the first review to the first approval.';
COMMENT ON COLUMN public.workflows.merge_wait IS 'From the first approval to the merge; NULL when nobody had approved it by then.';
COMMENT ON COLUMN public.workflows.deploy_wait IS 'From the merge to production.';
COMMENT ON COLUMN public.workflows.cycle_time IS 'Lead time for changes: from the first commit, or opening if that was earlier or no commit is known, to production.';
COMMENT ON COLUMN public.workflows.lead_time IS 'From the creation of the issue to production.';
COMMENT ON COLUMN public.workflows."position" IS 'The event that told the newest version of the pull request, or of the issue; join with events on it.';
COMMENT ON COLUMN public.workflows.repository IS 'owner/name.';
COMMENT ON COLUMN public.workflows.branch IS 'Branch with the changes.';
COMMENT ON COLUMN public.workflows.reviewers IS 'How many different people reviewed it.';
COMMENT ON COLUMN public.workflows.issue_created_at IS 'When the issue was made.';
COMMENT ON COLUMN public.workflows.issue_started_at IS 'When work on the issue began, as Linear says.';
COMMENT ON COLUMN public.workflows.first_review_at IS 'When somebody else than its author first reviewed it (reviews_by_others).';
COMMENT ON COLUMN public.workflows.approved_at IS 'When somebody else than its author first approved it.';
COMMENT ON COLUMN public.workflows.checks_completed_at IS 'When the last check of its newest commit ended.';
