-- Every evidence that counts: what is an issue because its team is known, what other events explain, and what Linear has attached
-- and not taken off again.
CREATE VIEW public.known_links AS
SELECT k."position", k.event_id, k.tenant, k.correlation_type, k.rule, k.rule_version, k.subject, k.related_subject,
       k.evidence_field, k.evidence_text, k.evidence_start, k.evidence_end, k.confidence, k.received_at
FROM (
    SELECT c."position", c.event_id, c.tenant,
           -- Words take a number for an issue; once an event tells that it is a pull request, they mean that.
           CASE WHEN c.correlation_type LIKE '%\_issue' AND c.related_subject LIKE 'github:%'
                     AND EXISTS (SELECT FROM public.event_subjects s
                                 WHERE s.tenant = c.tenant AND lower(s.subject) = lower(c.related_subject) AND s.kind = 'pull_request')
                THEN left(c.correlation_type, -length('issue')) || 'pr'
                -- Who ends a message with (#12) may mean the issue, as GitHub means what it merges.
                WHEN c.rule = 'merge_message'
                     AND NOT EXISTS (SELECT FROM public.event_subjects s
                                     WHERE s.tenant = c.tenant AND lower(s.subject) = lower(c.related_subject) AND s.kind = 'pull_request')
                     AND EXISTS (SELECT FROM public.event_subjects s
                                 WHERE s.tenant = c.tenant AND lower(s.subject) = lower(c.related_subject) AND s.kind = 'issue')
                THEN 'commit_to_issue' ELSE c.correlation_type END AS correlation_type,
           c.rule, c.rule_version, c.subject, c.related_subject,
           c.evidence_field, c.evidence_text, c.evidence_start, c.evidence_end, c.confidence, c.received_at
    FROM public.event_correlations c
    -- HEL-42 is an issue because a team HEL exists; UTF-8 is none.
    WHERE c.team_key IS NULL
       OR EXISTS (SELECT FROM public.linear_teams l WHERE l.tenant = c.tenant AND l.team_key = c.team_key)
    UNION ALL
    SELECT m."position", m.event_id, m.tenant, m.relation || '_' || a.kind, m.rule, m.rule_version, m.subject, a.subject,
           m.evidence_field, m.evidence_text, m.evidence_start, m.evidence_end, m.confidence, m.received_at
    FROM public.subject_aliases a
    JOIN public.alias_mentions m ON m.tenant = a.tenant AND lower(m.alias) = lower(a.alias) AND lower(m.subject) <> lower(a.subject)
    -- Many events explain the same: the first does.
    WHERE NOT EXISTS (SELECT FROM public.subject_aliases b
                      WHERE b.tenant = a.tenant AND lower(b.alias) = lower(a.alias) AND b.subject = a.subject AND b."position" < a."position")
      AND (m.team_key IS NULL OR EXISTS (SELECT FROM public.linear_teams l WHERE l.tenant = m.tenant AND l.team_key = m.team_key))
    -- An address or a name that several things share is none of theirs; an issue that moved has two identifiers.
      AND (a.alias LIKE 'linear:id/%'
           OR NOT EXISTS (SELECT FROM public.subject_aliases b
                          WHERE b.tenant = a.tenant AND lower(b.alias) = lower(a.alias) AND b.subject <> a.subject))
    UNION ALL
    SELECT m."position", m.event_id, m.tenant, m.relation || '_' || CASE s.kind WHEN 'pull_request' THEN 'pr' ELSE s.kind END,
           m.rule, m.rule_version, m.subject, s.subject, m.evidence_field, m.evidence_text, m.evidence_start, m.evidence_end,
           m.confidence, m.received_at
    FROM public.event_subjects s
    JOIN public.alias_mentions m ON m.tenant = s.tenant AND lower(m.alias) = lower(s.subject) AND lower(m.subject) <> lower(s.subject)
    WHERE s.kind IN ('pull_request', 'issue', 'commit')
      AND (m.team_key IS NULL OR EXISTS (SELECT FROM public.linear_teams l WHERE l.tenant = m.tenant AND l.team_key = m.team_key))
      AND NOT EXISTS (SELECT FROM public.event_subjects b
                      WHERE b.tenant = s.tenant AND lower(b.subject) = lower(s.subject) AND b.kind IN ('pull_request', 'issue', 'commit')
                        AND (b."position", b.kind) < (s."position", s.kind))) AS k
-- The event told a version of the attachment: it counts as long as that is what is attached, and to which issue.
WHERE k.rule <> 'attachment' OR NOT EXISTS (
    SELECT FROM public.entity_history h
    JOIN public.attachments a ON a.tenant = h.tenant AND a.key = h.key
    WHERE h."position" = k."position" AND h.entity = 'attachment'
      AND (a.is_deleted OR (h.state ->> 'attached_url', h.state ->> 'issue_key') IS DISTINCT FROM (a.attached_url, a.issue_key)));

COMMENT ON VIEW public.known_links IS 'Every place that says that two things belong together, and counts: identifiers of teams that exist, and names that some event explains. One row per evidence; correlated_events shows each link once, with the events at both ends. The cheapest way to walk from thing to thing: WHERE lower(subject) = … or lower(related_subject) = ….';
COMMENT ON COLUMN public.known_links."position" IS 'The event that holds the evidence; join with events on it.';
COMMENT ON COLUMN public.known_links.event_id IS 'The event that holds the evidence, evt_….';
COMMENT ON COLUMN public.known_links.correlation_type IS 'From subject to related_subject: pr_to_issue, message_to_pr, commit_to_pr, deployment_to_commit, pr_reverts_pr, issue_duplicates_issue, ….';
COMMENT ON COLUMN public.known_links.rule IS 'The rule that found it; rules of your own under their name.';
COMMENT ON COLUMN public.known_links.rule_version IS 'The version of the rules.';
COMMENT ON COLUMN public.known_links.subject IS 'github:owner/repo#12 (pull request or issue), linear:HEL-42, slack:C123/1700000000.000100, commit:<sha>, deployment:<id>, ….';
COMMENT ON COLUMN public.known_links.related_subject IS 'The thing that subject belongs with, written the same way.';
COMMENT ON COLUMN public.known_links.evidence_field IS 'Where in the payload the evidence is.';
COMMENT ON COLUMN public.known_links.evidence_text IS 'The words that say so. Untrusted text.';
COMMENT ON COLUMN public.known_links.evidence_start IS 'Where these words begin in the field, in characters from 0.';
COMMENT ON COLUMN public.known_links.evidence_end IS 'Where they end.';
COMMENT ON COLUMN public.known_links.confidence IS '1 for a commit or an address, less for words that may mean something else.';
