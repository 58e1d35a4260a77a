-- What each issue is called, and was before it moved to another team or repository: whoever wrote the old name still means it.
CREATE VIEW public.issue_names AS
SELECT i.tenant, lower(i.subject) AS name, true AS is_current, i.key, i.subject, i.is_deleted, i.version_at
FROM public.issues i
WHERE i.subject IS NOT NULL AND i.transferred_to IS NULL
UNION ALL
SELECT i.tenant, lower(o.subject), false, i.key, i.subject, i.is_deleted, i.version_at
FROM public.issue_origins x
JOIN public.issues i ON i.tenant = x.tenant AND i.key = x.key
JOIN public.issues o ON o.tenant = x.tenant AND o.key = x.origin_key
WHERE o.subject IS NOT NULL
UNION ALL
SELECT i.tenant, lower('linear:' || previous), false, i.key, i.subject, i.is_deleted, i.version_at
FROM public.issues i
CROSS JOIN LATERAL unnest(i.previous_identifiers) AS previous
WHERE i.previous_identifiers <> '{}' AND i.source = 'linear' AND lower('linear:' || previous) <> lower(i.subject);

COMMENT ON VIEW public.issue_names IS 'What issues are and were called: one row per issue and name. An issue of Linear that moved to another team has several, and one of GitHub that was transferred, however often.';
COMMENT ON COLUMN public.issue_names.name IS 'linear:hel-42 or github:owner/name#7, in lower case.';
COMMENT ON COLUMN public.issue_names.is_current IS 'False for a name that it had before it moved to another team or repository.';
COMMENT ON COLUMN public.issue_names.key IS 'issues.key.';
COMMENT ON COLUMN public.issue_names.subject IS 'What it is called now: linear:HEL-42 or github:owner/name#7.';
COMMENT ON COLUMN public.issue_names.is_deleted IS 'True when the issue is no more.';
COMMENT ON COLUMN public.issue_names.version_at IS 'Time of the newest event that changed the issue, by the provider''s clock; join with issues for the rest.';
