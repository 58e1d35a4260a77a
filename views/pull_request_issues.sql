-- Which pull requests are for which issues, as rows of the two tables: the links of correlated_events with keys to join on.
CREATE VIEW public.pull_request_issues AS
WITH names AS (
    SELECT i.tenant, i.key, i.source, i.identifier, i.title, i.team, lower(i.subject) AS subject
    FROM public.issues i
    WHERE i.subject IS NOT NULL
    UNION
    -- An issue that moved to another team is still meant by the name that it had.
    SELECT i.tenant, i.key, i.source, i.identifier, i.title, i.team, lower('linear:' || previous)
    FROM public.issues i, unnest(i.previous_identifiers) previous
    WHERE i.source = 'linear')
SELECT DISTINCT p.tenant,
       p.key AS pull_request_key,
       p.subject AS pull_request,
       n.key AS issue_key,
       n.source AS issue_source,
       n.identifier AS issue,
       n.title AS issue_title,
       n.team
FROM public.known_links c
JOIN public.pull_requests p ON p.tenant = c.tenant AND lower(p.subject) = lower(c.subject)
JOIN names n ON n.tenant = c.tenant AND n.subject = lower(c.related_subject)
WHERE c.correlation_type = 'pr_to_issue';

COMMENT ON VIEW public.pull_request_issues IS 'Which pull request is for which issue: one row per pair that are both known. The words that say so are in correlated_events.';
COMMENT ON COLUMN public.pull_request_issues.tenant IS 'Whose it is; "default" unless several tenants are configured.';
COMMENT ON COLUMN public.pull_request_issues.pull_request_key IS 'pull_requests.key.';
COMMENT ON COLUMN public.pull_request_issues.pull_request IS 'github:owner/name#42, as correlated_events calls it.';
COMMENT ON COLUMN public.pull_request_issues.issue_key IS 'issues.key.';
COMMENT ON COLUMN public.pull_request_issues.issue_source IS 'linear or github.';
COMMENT ON COLUMN public.pull_request_issues.issue IS 'HEL-42 (Linear) or owner/name#2 (GitHub): what it is called now.';
COMMENT ON COLUMN public.pull_request_issues.issue_title IS 'Title of the issue. Untrusted text.';
COMMENT ON COLUMN public.pull_request_issues.team IS 'Key of the Linear team of the issue: HEL; NULL for GitHub.';
