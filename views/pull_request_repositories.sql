-- What the repository of each pull request was called while events told of it, and what it is called now. Looked up by index from
-- the one pull request.
CREATE VIEW public.pull_request_repositories AS
SELECT p.tenant, p.key AS pull_request_key, p.repository_id, n.repository
FROM public.pull_requests p
CROSS JOIN LATERAL (
    SELECT lower(h.state ->> 'repository') AS repository
    FROM public.entity_history h
    WHERE h.tenant = p.tenant AND h.entity = 'pull_request' AND h.key = p.key
    UNION
    SELECT lower(r.full_name)
    FROM public.repositories r
    WHERE r.tenant = p.tenant AND r.key = 'github:' || p.repository_id) AS n
WHERE n.repository IS NOT NULL;

COMMENT ON VIEW public.pull_request_repositories IS 'The names of the repository of each pull request: one row per name, more than one after it was renamed or moved. Deployments name a repository only by what it was called at the time.';
COMMENT ON COLUMN public.pull_request_repositories.pull_request_key IS 'pull_requests.key.';
COMMENT ON COLUMN public.pull_request_repositories.repository IS 'owner/name in lower case.';
