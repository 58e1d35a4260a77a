-- What belongs together: which things each event is about, and which things name one another, with the evidence.
-- Written by the consumer "correlation" (src/correlation) alone; made again from the log at will.
--
-- A subject is a key with its system in front: github:owner/repo#12 (pull request or issue), linear:HEL-42,
-- slack:C123/1700000000.000100 (message), commit:<sha>, branch:owner/repo@name, deployment:<id>,
-- deployment:github/<id>, release:owner/repo@tag, person:github/<login>. Subjects are compared without regard to case.

CREATE TABLE event_subjects (
    "position"  bigint      NOT NULL,
    id          text        NOT NULL,
    tenant      text        NOT NULL,
    source      text        NOT NULL,
    kind        text        NOT NULL,
    subject     text        NOT NULL,
    received_at timestamptz NOT NULL,
    PRIMARY KEY ("position", kind, subject)
);
CREATE INDEX event_subjects_subject ON event_subjects (tenant, lower(subject), "position");
CREATE INDEX event_subjects_id ON event_subjects USING hash (id);

COMMENT ON TABLE event_subjects IS 'What each event is about; an event may be about several things. All events about HEL-42: WHERE lower(subject) = ''linear:hel-42''.';
COMMENT ON COLUMN event_subjects."position" IS 'Place of the event in the log; join with events on it.';
COMMENT ON COLUMN event_subjects.id IS 'The event, evt_….';
COMMENT ON COLUMN event_subjects.kind IS 'pull_request, issue, message, thread (the message that opened it), commit, branch, deployment, release or person.';
COMMENT ON COLUMN event_subjects.subject IS 'github:owner/repo#12, linear:HEL-42, slack:C123/1700000000.000100, commit:<sha>, branch:owner/repo@name, deployment:<id>, …';

CREATE TABLE event_correlations (
    "position"       bigint           NOT NULL,
    event_id         text             NOT NULL,
    tenant           text             NOT NULL,
    correlation_type text             NOT NULL,
    rule             text             NOT NULL,
    rule_version     integer          NOT NULL,
    subject          text             NOT NULL,
    related_subject  text             NOT NULL,
    evidence_field   text             NOT NULL,
    evidence_text    text             NOT NULL,
    evidence_start   integer          NOT NULL,
    evidence_end     integer          NOT NULL,
    confidence       double precision NOT NULL CHECK (confidence > 0 AND confidence <= 1),
    team_key         text,
    received_at      timestamptz      NOT NULL,
    PRIMARY KEY ("position", correlation_type, subject, related_subject)
);
CREATE INDEX event_correlations_subject ON event_correlations (tenant, lower(subject));
CREATE INDEX event_correlations_related ON event_correlations (tenant, lower(related_subject));
CREATE INDEX event_correlations_type ON event_correlations (correlation_type, "position");

COMMENT ON TABLE event_correlations IS 'Evidence: this event says that these two subjects belong together. The same link may be found by many events; the view correlated_events shows each link once and leaves out what only looks like an issue (UTF-8), so ask that.';
COMMENT ON COLUMN event_correlations.event_id IS 'The event that holds the evidence.';
COMMENT ON COLUMN event_correlations.correlation_type IS 'pr_to_issue, message_to_pr, message_to_issue, commit_to_pr, deployment_to_commit, issue_to_pr, issue_to_message, release_to_issue, …: from subject to related_subject.';
COMMENT ON COLUMN event_correlations.rule IS 'The rule that found it.';
COMMENT ON COLUMN event_correlations.evidence_field IS 'Where in the payload: pull_request.title, event.text, head branch, ….';
COMMENT ON COLUMN event_correlations.evidence_text IS 'The words that say so.';
COMMENT ON COLUMN event_correlations.evidence_start IS 'Where these words begin in the field, in characters from 0.';
COMMENT ON COLUMN event_correlations.evidence_end IS 'Where they end.';
COMMENT ON COLUMN event_correlations.confidence IS '1 for a commit or an address, less for words that may mean something else.';
COMMENT ON COLUMN event_correlations.team_key IS 'For a Linear identifier: the team that must exist (linear_teams) for it to be an issue.';

CREATE TABLE linear_teams (
    tenant         text   NOT NULL,
    team_key       text   NOT NULL,
    team_name      text,
    first_position bigint NOT NULL,
    PRIMARY KEY (tenant, team_key)
);
COMMENT ON TABLE linear_teams IS 'Linear teams that any event has named: HEL is one, so HEL-42 is an issue; UTF-8 is not.';
COMMENT ON COLUMN linear_teams.team_key IS 'What stands before the number in an issue''s identifier.';
COMMENT ON COLUMN linear_teams.first_position IS 'The event that named it first.';
