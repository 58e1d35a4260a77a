-- How the review of each pull request went. Looked up by index from the one pull request.
CREATE VIEW public.pull_request_reviewed AS
SELECT p.tenant, p.key, CASE WHEN NOT coalesce(p.is_draft, false) THEN r.ready_at END AS ready_at, h.requested_at,
       CASE WHEN v.first_at IS NULL THEN CASE WHEN NOT coalesce(p.is_draft, false) THEN r.ready_at END
            WHEN r.ready_at <= v.first_at THEN r.ready_at
            ELSE p.created_at END AS waited_from,
       v.first_at AS first_review_at, v.approved_at, v.reviews, v.reviewers, v.changes_requested,
       coalesce(h.open_at > h.closed_at, false) AS is_reopened
FROM public.pull_requests p
CROSS JOIN LATERAL (
    SELECT min(h.version_at) FILTER (WHERE h.state ->> 'state' = 'closed' AND h.state ->> 'is_merged' IS DISTINCT FROM 'true') AS closed_at,
           max(h.version_at) FILTER (WHERE h.state ->> 'state' = 'open') AS open_at,
           min(h.version_at) FILTER (
               WHERE (jsonb_typeof(h.state -> 'requested_reviewers') = 'array' AND h.state -> 'requested_reviewers' <> '[]')
                  OR (jsonb_typeof(h.state -> 'requested_teams') = 'array' AND h.state -> 'requested_teams' <> '[]')) AS requested_at
    FROM public.entity_history h
    WHERE h.tenant = p.tenant AND h.entity = 'pull_request' AND h.key = p.key) AS h
CROSS JOIN LATERAL (
    SELECT min(v.submitted_at) AS first_at, min(v.submitted_at) FILTER (WHERE v.state = 'approved') AS approved_at, count(*) AS reviews,
           count(*) FILTER (WHERE v.state = 'changes_requested') AS changes_requested, count(DISTINCT lower(v.reviewer)) AS reviewers
    FROM public.reviews_by_others v
    WHERE v.tenant = p.tenant AND v.pull_request_key = p.key) AS v
-- It may become a draft more than once: what counts is the last time before its first review.
LEFT JOIN LATERAL (
    SELECT h.version_at AS draft_at, h.rank, h.digest
    FROM public.entity_history h
    WHERE h.tenant = p.tenant AND h.entity = 'pull_request' AND h.key = p.key AND h.state ->> 'is_draft' = 'true'
      AND h.version_at <= coalesce(v.first_at, 'infinity')
    ORDER BY h.version_at DESC, h.rank DESC, h.digest DESC LIMIT 1) AS d ON true
CROSS JOIN LATERAL (
    SELECT CASE WHEN d.draft_at IS NULL THEN p.created_at ELSE min(h.version_at) END AS ready_at
    FROM public.entity_history h
    WHERE h.tenant = p.tenant AND h.entity = 'pull_request' AND h.key = p.key AND h.state ->> 'is_draft' = 'false'
      -- It may stop being one within a second.
      AND d.draft_at IS NOT NULL AND (h.version_at, h.rank, h.digest) > (d.draft_at, d.rank, d.digest)) AS r;

COMMENT ON VIEW public.pull_request_reviewed IS 'How the review of each pull request went: one row each. workflows and pull_request_flow have it from here; ask those.';
COMMENT ON COLUMN public.pull_request_reviewed.key IS 'pull_requests.key.';
COMMENT ON COLUMN public.pull_request_reviewed.ready_at IS 'When it was opened, or stopped being a draft, the last time before its first review; NULL while it is one.';
COMMENT ON COLUMN public.pull_request_reviewed.requested_at IS 'When somebody, or a team, was first asked to review; NULL when nobody was.';
COMMENT ON COLUMN public.pull_request_reviewed.waited_from IS 'From when its first review was or is waited for: ready_at, or when it was opened if it was reviewed as a draft. NULL for a draft that nobody has reviewed.';
COMMENT ON COLUMN public.pull_request_reviewed.first_review_at IS 'When another person than its author first reviewed it.';
COMMENT ON COLUMN public.pull_request_reviewed.approved_at IS 'When another person than its author first approved it; an approval that was dismissed is none.';
COMMENT ON COLUMN public.pull_request_reviewed.reviews IS 'Reviews by other people than the author; see reviews_by_others.';
COMMENT ON COLUMN public.pull_request_reviewed.reviewers IS 'How many different people reviewed it.';
COMMENT ON COLUMN public.pull_request_reviewed.changes_requested IS 'Reviews that asked for changes.';
COMMENT ON COLUMN public.pull_request_reviewed.is_reopened IS 'It was closed and opened again.';
