-- When each pull request reached production: with the first successful deployment there, of those that brought what had
-- landed by then or later on a branch that it had landed on. Looked up by index from the one pull request.
CREATE VIEW public.pull_request_deployed AS
SELECT p.tenant, p.key, d.is_deploying AND (p.is_merged IS NOT TRUE OR t.is_heard) AS is_deploying, b.deployed_at
FROM public.pull_requests p
-- Of one that is first told of long after its merge nobody knows which deployment was the first.
CROSS JOIN LATERAL (
    SELECT t.repositories, coalesce(t.first_told_at <= p.merged_at + interval '1 hour', false) AS is_heard
    FROM public.pull_request_told t WHERE t.tenant = p.tenant AND t.key = p.key LIMIT 1) AS t
CROSS JOIN LATERAL (SELECT l.branches, l.landed_at FROM public.pull_request_landings l WHERE l.tenant = p.tenant AND l.key = p.key LIMIT 1) AS l
CROSS JOIN LATERAL (
    SELECT EXISTS (SELECT FROM unnest(t.repositories) AS n (repository)
                   CROSS JOIN LATERAL (
                       SELECT FROM public.deployed_commits d
                       WHERE d.tenant = p.tenant AND lower(d.repository) = n.repository AND d.is_production LIMIT 1) AS d) AS is_deploying
    LIMIT 1) AS d
CROSS JOIN LATERAL (
    SELECT min(b.deployed_at) AS deployed_at
    FROM unnest(t.repositories) AS n (repository)
    CROSS JOIN LATERAL (
        SELECT d.finished_at AS deployed_at
        FROM public.deployed_commits d
        WHERE d.tenant = p.tenant AND lower(d.repository) = n.repository AND d.finished_at >= p.merged_at - interval '1 hour'
          -- The clock of a machine that deploys may be an hour behind. What began earlier did not bring what landed later.
          -- PostgreSQL takes nearly everything to be not NULL, and so walks the index until the first fits, where it would else sort all.
          AND nullif(d.is_production AND d.landed_at >= l.landed_at[array_position(l.branches, d.branch)] AND d.began_at >= d.landed_at - interval '1 hour', false)
              IS NOT NULL
        ORDER BY d.finished_at LIMIT 1) AS b
    WHERE p.is_merged AND t.is_heard) AS b;

COMMENT ON VIEW public.pull_request_deployed IS 'When each pull request reached production: one row each. workflows and pull_request_flow have it from here; ask those.';
COMMENT ON COLUMN public.pull_request_deployed.key IS 'pull_requests.key.';
COMMENT ON COLUMN public.pull_request_deployed.is_deploying IS 'True when anything of its repository was ever deployed to production (deployed_commits); false for what was merged more than an hour before anything told of it.';
COMMENT ON COLUMN public.pull_request_deployed.deployed_at IS 'When the first successful deployment to production ended whose commit landed at its merge or later on the same branch, or on one that this was merged or pushed to since (pull_request_landings). NULL while there is none, for what is not merged, and for what was merged more than an hour before anything told of it: which deployment was the first is not known then.';
