-- Which issue of another repository each issue at GitHub was before, however often it was transferred. One transfer is looked up from
-- either end; what was transferred more often is followed onward from where it was, which few issues are.
CREATE VIEW public.issue_origins AS
SELECT i.tenant, i.key, o.key AS origin_key
FROM public.issues i
JOIN public.issues o ON o.tenant = i.tenant AND o.key = i.transferred_from AND i.key = o.transferred_to
WHERE i.transferred_from IS NOT NULL AND o.transferred_to IS NOT NULL AND i.transferred_to IS NULL
UNION ALL
SELECT i.tenant, i.key, o.key
FROM public.issues i
-- What it was last, if that came from elsewhere too.
JOIN public.issues l ON l.tenant = i.tenant AND l.key = i.transferred_from AND l.transferred_to = i.key AND l.transferred_from IS NOT NULL
JOIN public.issues o ON o.tenant = i.tenant AND o.transferred_to IS NOT NULL
CROSS JOIN LATERAL (
    WITH RECURSIVE onward (key, transferred_to, seen) AS (
        SELECT o.key, o.transferred_to, ARRAY[o.key]
        UNION ALL
        SELECT n.key, n.transferred_to, w.seen || n.key
        FROM onward w
        JOIN public.issues n ON n.tenant = o.tenant AND n.key = w.transferred_to AND n.transferred_from = w.key
        WHERE n.key <> ALL (w.seen))
    SELECT w.key FROM onward w WHERE w.key <> o.key) AS w
WHERE i.transferred_from IS NOT NULL AND i.transferred_to IS NULL AND w.key = l.key;

COMMENT ON VIEW public.issue_origins IS 'What issues at GitHub were before they were transferred to the repository where they are now: one row for each issue that one was, the first as well as the last. An issue that was never transferred has none; issue_names has what they were called.';
COMMENT ON COLUMN public.issue_origins.tenant IS 'Whose it is; "default" unless several tenants are configured.';
COMMENT ON COLUMN public.issue_origins.key IS 'issues.key of the issue as it is now.';
COMMENT ON COLUMN public.issue_origins.origin_key IS 'issues.key of what it was; comments that were made there have it as parent_key.';
