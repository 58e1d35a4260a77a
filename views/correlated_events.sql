-- What belongs together: each link once, with its strongest evidence and an event at the other end. Looked up by index from
-- the one evidence, and what is about the other end only for the rows that are shown.
CREATE VIEW public.correlated_events AS
SELECT k.correlation_type,
       k.event_id,
       e.platform,
       e.event_type,
       e.action,
       e.title,
       k.subject,
       k.related_subject,
       related.id AS related_event_id,
       related.platform AS related_platform,
       related.event_type AS related_event_type,
       related.action AS related_action,
       related.title AS related_title,
       k.confidence,
       k.rule,
       k.rule_version,
       k.evidence_field,
       k.evidence_text,
       k.evidence_start,
       k.evidence_end,
       (SELECT count(*) FROM public.known_links c
        WHERE c.tenant = k.tenant AND lower(c.subject) = lower(k.subject) AND lower(c.related_subject) = lower(k.related_subject)
          AND c.correlation_type = k.correlation_type) AS evidence_count,
       k.received_at,
       k."position",
       k.tenant
FROM public.known_links k
LEFT JOIN public.events e ON e."position" = k."position"
LEFT JOIN LATERAL (
    SELECT r.id, r.platform, r.event_type, r.action, r.title
    -- A branch has an event for every push to it: the newest are enough.
    FROM (SELECT s."position" FROM public.event_subjects s
          WHERE s.tenant = k.tenant AND lower(s.subject) = lower(k.related_subject) AND s."position" <> k."position"
          ORDER BY s."position" DESC LIMIT 20) s
    JOIN public.events r ON r."position" = s."position"
    -- One that tells something else than the evidence does, if there is one; then the newest.
    ORDER BY r.event_type = e.event_type, s."position" DESC
    LIMIT 1) related ON true
WHERE NOT EXISTS (
    SELECT FROM public.known_links c
    WHERE c.tenant = k.tenant AND lower(c.subject) = lower(k.subject) AND lower(c.related_subject) = lower(k.related_subject)
      AND c.correlation_type = k.correlation_type
      AND (c.confidence > k.confidence
           OR (c.confidence = k.confidence AND (c."position", c.rule, c.evidence_field, c.evidence_start) < (k."position", k.rule, k.evidence_field, k.evidence_start)))
    OFFSET 0);

COMMENT ON VIEW public.correlated_events IS 'Which pull request is for which issue, which message is about which pull request, which commit belongs to which pull request, which deployment brought which commit. One row per link. Filter by correlation_type; the links of one thing are found at once: WHERE lower(subject) = lower(''github:owner/repo#12''), or lower(related_subject) = …. For the newest say which: WHERE "position" > (SELECT max("position") - 1000 FROM events).';
COMMENT ON COLUMN public.correlated_events.correlation_type IS 'From subject to related_subject: pr_to_issue, message_to_pr, message_to_issue, commit_to_pr, deployment_to_commit, issue_to_message, release_to_pr, pr_reverts_pr, issue_duplicates_issue, ….';
COMMENT ON COLUMN public.correlated_events.event_id IS 'The event with the strongest evidence; platform, event_type, action and title are its.';
COMMENT ON COLUMN public.correlated_events.subject IS 'github:owner/repo#12 (pull request or issue), linear:HEL-42, slack:C123/1700000000.000100, commit:<sha>, deployment:<id>, ….';
COMMENT ON COLUMN public.correlated_events.related_subject IS 'The thing that subject belongs with, written the same way.';
COMMENT ON COLUMN public.correlated_events.related_event_id IS 'The newest event about related_subject, of another type than the evidence where one of the newest twenty is; NULL when none has come.';
COMMENT ON COLUMN public.correlated_events.confidence IS '1 for a commit or an address, less for words that may mean something else.';
COMMENT ON COLUMN public.correlated_events.evidence_field IS 'Where in the payload of event_id the evidence is.';
COMMENT ON COLUMN public.correlated_events.evidence_text IS 'The words that say so. Untrusted text.';
COMMENT ON COLUMN public.correlated_events.evidence_count IS 'How many events say so.';
