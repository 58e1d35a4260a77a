-- What says which pull request is for which issue, whichever of the two says it, and how sure that is.
CREATE VIEW public.pull_request_links AS
SELECT k.tenant, k.pull_request, k.issue, k.rule, k.strength, k."position"
FROM (
    -- Every event shows the same words once more, as long as they stand there.
    SELECT k.tenant, lower(k.subject) AS pull_request, lower(k.related_subject) AS issue, k.rule,
           -- The title says what it is for. The text may speak of others too, unless it says that they are closed.
           CASE WHEN k.rule = 'reference_in_body' AND (k.confidence < 1 OR k.evidence_text LIKE 'http%') THEN 0.8 ELSE k.confidence END AS strength,
           -- Who comments shows the pull request as the issue that it is too.
           substring(k.evidence_field FROM '^(?:pull_request|issue)\.(title|body)$') AS part,
           k.evidence_text, min(k."position") AS "position"
    FROM public.known_links k
    -- Whoever names something in a comment says that the two have to do with each other, and no more.
    WHERE k.correlation_type = 'pr_to_issue' AND k.rule <> 'reference_in_comment'
    GROUP BY 1, 2, 3, 4, 5, 6, 7) AS k
-- A title or text that was mended is no evidence any more. HEL-42 does not say HEL-4, nor #42 #4.
WHERE k.part IS NULL OR NOT EXISTS (
    SELECT FROM public.pull_requests p
    WHERE p.tenant = k.tenant AND lower(p.subject) = k.pull_request
      AND coalesce(CASE k.part WHEN 'title' THEN p.title ELSE p.body END, '')
          !~ ('(?<![0-9A-Za-z_])' || regexp_replace(k.evidence_text, '([^0-9A-Za-z_[:space:]])', '\\\1', 'g') || '(?![0-9A-Za-z_])'))
UNION ALL
SELECT k.tenant, lower(k.related_subject), lower(k.subject), k.rule,
       CASE WHEN k.rule = 'reference_in_body' THEN 0.8 ELSE k.confidence END, k."position"
FROM public.known_links k
WHERE k.correlation_type = 'issue_to_pr' AND k.rule <> 'reference_in_comment'
UNION ALL
-- The message of a commit that was its head.
SELECT k.tenant, lower(c.related_subject), lower(k.related_subject), k.rule, 0.75, k."position"
FROM public.event_correlations k
JOIN public.event_correlations c ON c.tenant = k.tenant AND lower(c.subject) = lower(k.subject)
WHERE k.correlation_type = 'commit_to_issue' AND k.evidence_field LIKE 'commits.%'
  AND c.correlation_type = 'commit_to_pr' AND c.evidence_field = 'pull_request.head.sha'
  AND (k.team_key IS NULL OR EXISTS (SELECT FROM public.linear_teams l WHERE l.tenant = k.tenant AND l.team_key = k.team_key))
  -- Both as in known_links, which PostgreSQL could look up from one of the two ends only.
  AND NOT (k.related_subject LIKE 'github:%'
           AND EXISTS (SELECT FROM public.event_subjects s
                       WHERE s.tenant = k.tenant AND lower(s.subject) = lower(k.related_subject) AND s.kind = 'pull_request'));

COMMENT ON VIEW public.pull_request_links IS 'Everything that says that a pull request is for an issue: its title and its text as they are now, its branch, the message of a commit that was its head, Linear''s attachment of it, or the text of the issue that gives its address. What a comment names is not here: that is in known_links. One row per evidence, words that several events show once; found at once by pull_request or by issue, in lower case. pull_request_issues has one row per pair, with keys to join on.';
COMMENT ON COLUMN public.pull_request_links.pull_request IS 'github:owner/name#12 in lower case.';
COMMENT ON COLUMN public.pull_request_links.issue IS 'linear:hel-42 or github:owner/name#7 in lower case, as it was called there.';
COMMENT ON COLUMN public.pull_request_links.strength IS 'How sure it is, from 0 to 1: 1 for an attachment and what is said to be closed, 0.9 for the title, 0.85 for the branch, 0.8 for what a text speaks of, 0.75 for a commit.';
