-- Which pull requests are for which issues, as rows of the two tables: the links of pull_request_links with keys to join on.
-- Looked up by index from the one pull request.
CREATE VIEW public.pull_request_issues AS
SELECT p.tenant,
       p.key AS pull_request_key,
       p.subject AS pull_request,
       i.key AS issue_key,
       i.source AS issue_source,
       i.identifier AS issue,
       i.title AS issue_title,
       i.team
FROM public.pull_requests p
CROSS JOIN LATERAL (
    SELECT DISTINCT n.key
    FROM (SELECT DISTINCT l.issue FROM public.pull_request_links l WHERE l.tenant = p.tenant AND l.pull_request = lower(p.subject)) AS l
    CROSS JOIN LATERAL (SELECT n.key FROM public.issue_names n WHERE n.tenant = p.tenant AND n.name = l.issue OFFSET 0) AS n) AS l
CROSS JOIN LATERAL (
    SELECT i.key, i.source, i.identifier, i.title, i.team FROM public.issues i WHERE i.tenant = p.tenant AND i.key = l.key LIMIT 1) AS i;

COMMENT ON VIEW public.pull_request_issues IS 'Which pull request is for which issue: one row per pair that are both known; either of the two may have said so (pull_request_links). The issues of one pull request are found at once by pull_request or pull_request_key; from an issue, ask issue_pull_requests.';
COMMENT ON COLUMN public.pull_request_issues.tenant IS 'Whose it is; "default" unless several tenants are configured.';
COMMENT ON COLUMN public.pull_request_issues.pull_request_key IS 'pull_requests.key.';
COMMENT ON COLUMN public.pull_request_issues.pull_request IS 'github:owner/name#42, as correlated_events calls it.';
COMMENT ON COLUMN public.pull_request_issues.issue_key IS 'issues.key.';
COMMENT ON COLUMN public.pull_request_issues.issue_source IS 'linear or github.';
COMMENT ON COLUMN public.pull_request_issues.issue IS 'HEL-42 (Linear) or owner/name#2 (GitHub): what it is called now.';
COMMENT ON COLUMN public.pull_request_issues.issue_title IS 'Title of the issue. Untrusted text.';
COMMENT ON COLUMN public.pull_request_issues.team IS 'Key of the Linear team of the issue: HEL; NULL for GitHub.';
