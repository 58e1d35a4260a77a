-- Links to what only another event can explain: Linear's number of an issue, the address or the name of a deployment,
-- owner/repo#12, which may be an issue or a pull request, a commit that somebody names. Which event comes first must not
-- matter, so both halves are written down as they come, and the view known_links puts them together.
-- Written by the consumer "correlation" (src/correlation) alone; made again from the log at will.

SET LOCAL search_path = projections, public;

CREATE TABLE subject_aliases (
    "position" bigint NOT NULL,
    tenant     text   NOT NULL,
    alias      text   NOT NULL,
    kind       text   NOT NULL,
    subject    text   NOT NULL,
    PRIMARY KEY ("position", alias, subject)
);
CREATE INDEX subject_aliases_alias ON subject_aliases (tenant, lower(alias), "position");
CREATE INDEX subject_aliases_subject ON subject_aliases (tenant, lower(subject));

COMMENT ON TABLE subject_aliases IS 'Other names of things, as events explain them; one row for each event that does.';
COMMENT ON COLUMN subject_aliases."position" IS 'The event that explains it; join with events on it.';
COMMENT ON COLUMN subject_aliases.tenant IS 'Whose it is; "default" unless several tenants are configured.';
COMMENT ON COLUMN subject_aliases.alias IS 'linear:id/<uuid>, url:<address>, name:<word>.';
COMMENT ON COLUMN subject_aliases.kind IS 'What the subject is, as within correlation_type: issue, deployment, ….';
COMMENT ON COLUMN subject_aliases.subject IS 'What it means, as in event_subjects.';

CREATE TABLE alias_mentions (
    "position"     bigint           NOT NULL,
    event_id       text             NOT NULL,
    tenant         text             NOT NULL,
    relation       text             NOT NULL,
    rule           text             NOT NULL,
    rule_version   integer          NOT NULL,
    subject        text             NOT NULL,
    alias          text             NOT NULL,
    evidence_field text             NOT NULL,
    evidence_text  text             NOT NULL,
    evidence_start integer          NOT NULL,
    evidence_end   integer          NOT NULL,
    confidence     double precision NOT NULL CHECK (confidence > 0 AND confidence <= 1),
    received_at    timestamptz      NOT NULL,
    PRIMARY KEY ("position", relation, subject, alias)
);
CREATE INDEX alias_mentions_alias ON alias_mentions (tenant, lower(alias));
CREATE INDEX alias_mentions_subject ON alias_mentions (tenant, lower(subject));

COMMENT ON TABLE alias_mentions IS 'Evidence for links to things by another name, explained or not; known_links has those that are. Most words here mean nothing.';
COMMENT ON COLUMN alias_mentions."position" IS 'The event that holds the evidence; join with events on it.';
COMMENT ON COLUMN alias_mentions.tenant IS 'Whose it is; "default" unless several tenants are configured.';
COMMENT ON COLUMN alias_mentions.relation IS 'message_to, issue_duplicates, …: with the kind of what is meant it is the correlation_type.';
COMMENT ON COLUMN alias_mentions.rule IS 'The rule that found it.';
COMMENT ON COLUMN alias_mentions.rule_version IS 'The version of the rules.';
COMMENT ON COLUMN alias_mentions.alias IS 'linear:id/<uuid>, url:<address>, name:<word>, github:owner/repo#12, commit:<sha>.';
COMMENT ON COLUMN alias_mentions.event_id IS 'The event that holds the evidence, evt_….';
COMMENT ON COLUMN alias_mentions.subject IS 'What the event is about, as in event_subjects.';
COMMENT ON COLUMN alias_mentions.evidence_field IS 'Where in the payload: event.text, data.issueId, ….';
COMMENT ON COLUMN alias_mentions.evidence_text IS 'The words that say so. Untrusted text.';
COMMENT ON COLUMN alias_mentions.evidence_start IS 'Where these words begin in the field, in characters from 0.';
COMMENT ON COLUMN alias_mentions.evidence_end IS 'Where they end.';
COMMENT ON COLUMN alias_mentions.confidence IS 'How sure it is, 0 to 1, once the name is explained.';
COMMENT ON COLUMN alias_mentions.received_at IS 'When the event came in.';

-- A copy that a rebuild left lacks the new tables.
DROP SCHEMA IF EXISTS rebuild_correlation CASCADE;

COMMENT ON COLUMN event_correlations.correlation_type IS 'pr_to_issue, message_to_pr, message_to_issue, commit_to_pr, commit_to_branch, check_to_commit, deployment_to_commit, pr_reverts_pr, commit_reverts_commit, issue_duplicates_issue, …: from subject to related_subject.';
COMMENT ON COLUMN event_subjects.kind IS 'pull_request, issue, message, thread (the message that opened it), commit, branch, check, workflow_run, deployment, release or person; or what rules of your own say.';
COMMENT ON TABLE event_correlations IS 'Evidence: this event says that these two subjects belong together. The same link may be found by many events; the view correlated_events shows each link once and leaves out what only looks like an issue (UTF-8), so ask that; known_links has every evidence that counts.';
