-- What shipped: pull requests that reached production, and releases.
CREATE VIEW public.shipped_work AS
SELECT f.tenant,
       'pull_request' AS kind,
       f.deployed_at AS shipped_at,
       f.repository,
       f.subject,
       f.title,
       f.author,
       f.teams,
       f.issues,
       f.cycle_hours,
       f.url
FROM public.pull_request_flow f
WHERE f.deployed_at IS NOT NULL
UNION ALL
SELECT r.tenant, 'release', r.published_at, r.repository, r.subject, coalesce(nullif(r.name, ''), r.tag), r.author, '{}', '{}', NULL, r.url
FROM public.releases r
WHERE r.published_at IS NOT NULL AND NOT coalesce(r.is_draft, false) AND NOT r.is_deleted;

COMMENT ON VIEW public.shipped_work IS 'What shipped and when: one row per pull request that reached production, and per published release.';
COMMENT ON COLUMN public.shipped_work.tenant IS 'Whose it is; "default" unless several tenants are configured.';
COMMENT ON COLUMN public.shipped_work.kind IS 'pull_request or release.';
COMMENT ON COLUMN public.shipped_work.shipped_at IS 'When the deployment that brought it to production ended, or the release was published.';
COMMENT ON COLUMN public.shipped_work.repository IS 'owner/name.';
COMMENT ON COLUMN public.shipped_work.subject IS 'What correlated_events calls it: github:owner/name#42, release:….';
COMMENT ON COLUMN public.shipped_work.title IS 'Title of the pull request, name or else tag of the release. Untrusted text.';
COMMENT ON COLUMN public.shipped_work.author IS 'Login of the author.';
COMMENT ON COLUMN public.shipped_work.teams IS 'Keys of the Linear teams whose issues a pull request is for.';
COMMENT ON COLUMN public.shipped_work.issues IS 'The issues that a pull request is for.';
COMMENT ON COLUMN public.shipped_work.cycle_hours IS 'Hours from its first commit to production; NULL for releases.';
COMMENT ON COLUMN public.shipped_work.url IS 'Where a person can look at it.';
