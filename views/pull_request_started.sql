-- When work on each pull request began, as far as its commits tell. Looked up by index from the one pull request.
CREATE VIEW public.pull_request_started AS
SELECT p.tenant, p.key, g.first_commit_at, least(g.first_commit_at, p.created_at) AS started_at
FROM public.pull_requests p
CROSS JOIN LATERAL (
    SELECT min(c.committed_at) AS first_commit_at FROM public.pull_request_commits c WHERE c.tenant = p.tenant AND c.pull_request_key = p.key) AS g;

COMMENT ON VIEW public.pull_request_started IS 'When work on each pull request began: one row each. workflows and pull_request_flow have it from here; ask those.';
COMMENT ON COLUMN public.pull_request_started.key IS 'pull_requests.key.';
COMMENT ON COLUMN public.pull_request_started.first_commit_at IS 'Time of its first commit (pull_request_commits). NULL when no event tells of any, as for branches of forks.';
COMMENT ON COLUMN public.pull_request_started.started_at IS 'first_commit_at, or when it was opened if that was earlier or no commit is known: what lead time for changes is counted from.';
