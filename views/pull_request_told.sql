-- Since when events tell of each pull request, and what its repository was called meanwhile and is called now. Looked up by index
-- from the one pull request.
CREATE VIEW public.pull_request_told AS
SELECT p.tenant, p.key, h.first_told_at,
       CASE WHEN r.name IS NULL OR r.name = ANY (h.repositories) THEN h.repositories ELSE h.repositories || r.name END AS repositories
FROM public.pull_requests p
CROSS JOIN LATERAL (
    SELECT min(h.version_at) FILTER (WHERE h.version_at > 'epoch') AS first_told_at,
           coalesce(array_agg(DISTINCT lower(h.state ->> 'repository')) FILTER (WHERE h.state ->> 'repository' IS NOT NULL), '{}') AS repositories
    FROM public.entity_history h
    WHERE h.tenant = p.tenant AND h.entity = 'pull_request' AND h.key = p.key) AS h
LEFT JOIN LATERAL (
    SELECT lower(r.full_name) AS name FROM public.repositories r WHERE r.tenant = p.tenant AND r.key = 'github:' || p.repository_id LIMIT 1) AS r ON true;

COMMENT ON VIEW public.pull_request_told IS 'Since when events tell of each pull request, and under which names its repository is known: one row each. Deployments name a repository only by what it was called at the time; pull_request_deployed compares them.';
COMMENT ON COLUMN public.pull_request_told.key IS 'pull_requests.key.';
COMMENT ON COLUMN public.pull_request_told.first_told_at IS 'The oldest version that any event told, by GitHub''s clock; NULL when GitHub does not say.';
COMMENT ON COLUMN public.pull_request_told.repositories IS 'owner/name in lower case; several after it was renamed or moved.';
