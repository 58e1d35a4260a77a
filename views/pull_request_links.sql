-- What says which pull request is for which issue, whichever of the two says it, and how sure that is.
CREATE VIEW public.pull_request_links AS
SELECT k.tenant, lower(k.subject) AS pull_request, lower(k.related_subject) AS issue, k.rule, k.confidence AS strength, k."position"
FROM public.known_links k
-- Whoever names something in a comment says that the two have to do with each other, and no more.
WHERE k.correlation_type = 'pr_to_issue' AND k.rule <> 'reference_in_comment'
UNION ALL
SELECT k.tenant, lower(k.related_subject), lower(k.subject), k.rule, k.confidence, k."position"
FROM public.known_links k
WHERE k.correlation_type = 'issue_to_pr' AND k.rule <> 'reference_in_comment';

COMMENT ON VIEW public.pull_request_links IS 'Everything that says that a pull request is for an issue: its title, text and branch, Linear''s attachment of it, or the text of the issue that gives its address. What a comment names is not here: that is in known_links. One row per evidence; found at once by pull_request or by issue, in lower case. pull_request_issues has one row per pair, with keys to join on.';
COMMENT ON COLUMN public.pull_request_links.pull_request IS 'github:owner/name#12 in lower case.';
COMMENT ON COLUMN public.pull_request_links.issue IS 'linear:hel-42 or github:owner/name#7 in lower case, as it was called there.';
COMMENT ON COLUMN public.pull_request_links.strength IS 'How sure it is: from 0 to 1.';
