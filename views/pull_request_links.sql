-- What says which pull request is for which issue, whichever of the two says it, and how sure that is.
CREATE VIEW public.pull_request_links AS
SELECT k.tenant, lower(k.subject) AS pull_request, lower(k.related_subject) AS issue, k.rule,
       -- What somebody says in a comment is weaker than what its author says.
       k.confidence - CASE WHEN k.rule = 'reference_in_comment' THEN 1 ELSE 0 END AS strength, k."position"
FROM public.known_links k
WHERE k.correlation_type = 'pr_to_issue'
UNION ALL
SELECT k.tenant, lower(k.related_subject), lower(k.subject), k.rule,
       k.confidence - CASE WHEN k.rule = 'reference_in_comment' THEN 1 ELSE 0 END, k."position"
FROM public.known_links k
WHERE k.correlation_type = 'issue_to_pr';

COMMENT ON VIEW public.pull_request_links IS 'Everything that says that a pull request is for an issue: its title, text, branch and comments, Linear''s attachment of it, or the text and comments of the issue that give its address. One row per evidence; found at once by pull_request or by issue, in lower case. pull_request_issues has one row per pair, with keys to join on.';
COMMENT ON COLUMN public.pull_request_links.pull_request IS 'github:owner/name#12 in lower case.';
COMMENT ON COLUMN public.pull_request_links.issue IS 'linear:hel-42 or github:owner/name#7 in lower case, as it was called there.';
COMMENT ON COLUMN public.pull_request_links.strength IS 'How sure it is: from 0 to 1, and 1 less for what somebody says in a comment.';
