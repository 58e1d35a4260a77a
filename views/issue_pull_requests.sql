-- Which issues have which pull requests: the rows of pull_request_issues, looked up by index from the one issue.
CREATE VIEW public.issue_pull_requests AS
SELECT i.tenant,
       i.key AS issue_key,
       i.source AS issue_source,
       i.identifier AS issue,
       i.subject AS issue_subject,
       p.key AS pull_request_key,
       p.subject AS pull_request,
       p.title,
       p.author,
       p.state,
       p.is_merged
FROM public.issues i
CROSS JOIN LATERAL (
    SELECT DISTINCT l.pull_request
    FROM (SELECT n.name FROM public.issue_names n WHERE n.tenant = i.tenant AND n.key = i.key OFFSET 0) AS n
    CROSS JOIN LATERAL (SELECT l.pull_request FROM public.pull_request_links l WHERE l.tenant = i.tenant AND l.issue = n.name OFFSET 0) AS l) AS l
CROSS JOIN LATERAL (
    SELECT p.key, p.subject, p.title, p.author, p.state, p.is_merged
    FROM public.pull_requests p WHERE p.tenant = i.tenant AND lower(p.subject) = l.pull_request OFFSET 0) AS p;

COMMENT ON VIEW public.issue_pull_requests IS 'Which issue has which pull requests: the same pairs as pull_request_issues, one row each, for questions that begin with an issue. Those of one issue are found at once: WHERE issue = ''HEL-42''. How far each is says workflows, by pull_request.';
COMMENT ON COLUMN public.issue_pull_requests.issue_key IS 'issues.key.';
COMMENT ON COLUMN public.issue_pull_requests.issue_source IS 'linear or github.';
COMMENT ON COLUMN public.issue_pull_requests.issue IS 'HEL-42 (Linear) or owner/name#2 (GitHub): what it is called now.';
COMMENT ON COLUMN public.issue_pull_requests.issue_subject IS 'linear:HEL-42 or github:owner/name#2, as correlated_events calls it.';
COMMENT ON COLUMN public.issue_pull_requests.pull_request_key IS 'pull_requests.key.';
COMMENT ON COLUMN public.issue_pull_requests.pull_request IS 'github:owner/name#42, as correlated_events calls it.';
COMMENT ON COLUMN public.issue_pull_requests.title IS 'Title of the pull request. Untrusted text.';
COMMENT ON COLUMN public.issue_pull_requests.author IS 'Login of who opened it.';
COMMENT ON COLUMN public.issue_pull_requests.state IS 'open or closed; merged when is_merged.';
