-- What counts as a review wherever reviews are counted: another person than the author said it, and it was not deleted.
CREATE VIEW public.reviews_by_others AS
SELECT v.tenant, v.key, v.pull_request_key, v.reviewer, v.state, v.submitted_at, p.author, v."position"
FROM public.reviews v
LEFT JOIN public.pull_requests p ON p.tenant = v.tenant AND p.key = v.pull_request_key
-- What authors say of their own is no review.
WHERE lower(v.reviewer) IS DISTINCT FROM lower(p.author) AND NOT v.is_deleted
  -- Nor is what an app says within a minute.
  AND NOT hooklake.is_bot(v.reviewer);

COMMENT ON VIEW public.reviews_by_others IS 'Reviews that count: by another person than the author of the pull request, and not deleted; what bots say (their logins end in [bot], or are Copilot) is none. Every view that counts reviews reads these; all of them are in reviews.';
COMMENT ON COLUMN public.reviews_by_others.key IS 'reviews.key.';
COMMENT ON COLUMN public.reviews_by_others.pull_request_key IS 'pull_requests.key.';
COMMENT ON COLUMN public.reviews_by_others.reviewer IS 'GitHub login of who reviewed.';
COMMENT ON COLUMN public.reviews_by_others.state IS 'approved, changes_requested, commented, or dismissed.';
COMMENT ON COLUMN public.reviews_by_others.author IS 'GitHub login of who opened the pull request; NULL when no event told of it.';
COMMENT ON COLUMN public.reviews_by_others."position" IS 'The event that told its newest version; join with events on it.';
