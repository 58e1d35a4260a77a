-- Who reviews how much, and for whom others wait.
CREATE VIEW public.review_load AS
WITH given AS (
    SELECT r.tenant, r.who, max(r.reviewer) AS reviewer,
           sum(r.reviews)::bigint AS reviews,
           sum(sum(r.reviews)) OVER (PARTITION BY r.tenant) AS reviews_of_all,
           count(r.pull_request_key) AS pull_requests,
           count(DISTINCT lower(r.author)) AS authors,
           sum(r.approvals)::bigint AS approvals,
           sum(r.changes_requested)::bigint AS changes_requested,
           sum(r.reviews_30_days)::bigint AS reviews_30_days,
           max(r.last_at) AS last_review_at,
           array_agg(r.pull_request_key) AS keys, array_agg(r.first_at) AS first_at
    FROM (
        SELECT r.tenant, lower(r.reviewer) AS who, r.pull_request_key, max(r.reviewer) AS reviewer, max(r.author) AS author,
               count(*) AS reviews,
               count(*) FILTER (WHERE r.state = 'approved') AS approvals,
               count(*) FILTER (WHERE r.state = 'changes_requested') AS changes_requested,
               count(*) FILTER (WHERE r.submitted_at >= now() - interval '30 days' AND r.submitted_at <= now()) AS reviews_30_days,
               min(r.submitted_at) AS first_at, max(r.submitted_at) AS last_at
        FROM public.reviews_by_others r
        WHERE r.reviewer IS NOT NULL
        GROUP BY 1, 2, 3) AS r
    GROUP BY 1, 2),
waiting AS (
    SELECT tenant, lower(reviewer) AS who, max(reviewer) AS reviewer, count(*) AS pull_requests, min(requested_at) AS oldest_at
    FROM public.review_waiting WHERE NOT is_team GROUP BY 1, 2)
SELECT tenant,
       coalesce(g.reviewer, w.reviewer) AS reviewer,
       coalesce(g.reviews, 0) AS reviews,
       coalesce(g.pull_requests, 0) AS pull_requests,
       coalesce(g.authors, 0) AS authors,
       coalesce(g.approvals, 0) AS approvals,
       coalesce(g.changes_requested, 0) AS changes_requested,
       coalesce(g.reviews_30_days, 0) AS reviews_30_days,
       round(g.reviews / nullif(g.reviews_of_all, 0), 4) AS share_of_reviews,
       s.median_hours AS median_hours_to_review,
       coalesce(w.pull_requests, 0) AS awaited_now,
       w.oldest_at AS oldest_request_at,
       hooklake.hours(w.oldest_at, now()) AS longest_wait_hours,
       g.last_review_at
FROM given g
FULL JOIN waiting w USING (tenant, who)
-- For each one by itself: what is asked for one reviewer looks up the pull requests of that one.
CROSS JOIN LATERAL (
    SELECT round(percentile_cont(0.5) WITHIN GROUP (ORDER BY hooklake.hours(v.waited_from, f.first_at))::numeric, 2) AS median_hours
    FROM unnest(g.keys, g.first_at) AS f (key, first_at)
    CROSS JOIN LATERAL (SELECT v.waited_from FROM public.pull_request_reviewed v WHERE v.tenant = g.tenant AND v.key = f.key LIMIT 1) AS v) AS s;

COMMENT ON VIEW public.review_load IS 'One row per reviewer who is no bot: how many reviews of others'' pull requests they gave, how soon, and how many are awaited of them now. One reviewer costs what that one reviewed.';
COMMENT ON COLUMN public.review_load.tenant IS 'Whose it is; "default" unless several tenants are configured.';
COMMENT ON COLUMN public.review_load.reviewer IS 'Login of the reviewer.';
COMMENT ON COLUMN public.review_load.reviews IS 'Reviews that they submitted, of all time.';
COMMENT ON COLUMN public.review_load.pull_requests IS 'How many pull requests these are.';
COMMENT ON COLUMN public.review_load.authors IS 'How many people these pull requests are from.';
COMMENT ON COLUMN public.review_load.approvals IS 'Reviews that approve.';
COMMENT ON COLUMN public.review_load.changes_requested IS 'Reviews that ask for changes.';
COMMENT ON COLUMN public.review_load.reviews_30_days IS 'Reviews of the last 30 days.';
COMMENT ON COLUMN public.review_load.share_of_reviews IS 'Their part of all reviews, from 0 to 1; NULL when they gave none.';
COMMENT ON COLUMN public.review_load.median_hours_to_review IS 'Hours from when a pull request''s review was waited for (pull_request_reviewed.waited_from) to their first review of it, median.';
COMMENT ON COLUMN public.review_load.awaited_now IS 'Open pull requests that wait for their review; see review_waiting.';
COMMENT ON COLUMN public.review_load.oldest_request_at IS 'When the one that has waited longest was asked for.';
COMMENT ON COLUMN public.review_load.longest_wait_hours IS 'Hours since then.';
COMMENT ON COLUMN public.review_load.last_review_at IS 'When they last reviewed.';
