-- What is attached to issues in Linear, so that what was taken off again says nothing any more (decision 0043); and which numbers
-- are pull requests, looked up by name: one of them is no issue, whoever says that it closes it.

SET LOCAL search_path = projections, public;

CREATE TABLE attachments (
    tenant             text        NOT NULL,
    key                text        NOT NULL,
    source             text        NOT NULL,
    attachment_id      text,
    title              text,
    subtitle           text,
    attached_url       text,
    attached_from      text,
    issue_key          text,
    original_issue_key text,
    creator_key        text,
    created_at         timestamptz,
    updated_at         timestamptz,
    deleted_at         timestamptz,
    is_deleted         boolean     NOT NULL,
    version_at         timestamptz NOT NULL,
    "position"         bigint      NOT NULL,
    PRIMARY KEY (tenant, key)
);
CREATE INDEX attachments_issue_key ON attachments (issue_key);

COMMENT ON TABLE attachments IS 'What is attached to issues in Linear (pull requests, messages, pages), one row each, as it is now. What is taken off is_deleted; attached again it may be another row.';
COMMENT ON COLUMN attachments.key IS 'linear:<uuid>.';
COMMENT ON COLUMN attachments.creator_key IS 'person_identities.key of who attached it.';
COMMENT ON COLUMN attachments.created_at IS 'When it was attached, by the provider''s clock.';
COMMENT ON COLUMN attachments.updated_at IS 'When it last changed, by the provider''s clock.';
COMMENT ON COLUMN attachments.is_deleted IS 'True when it was taken off.';
COMMENT ON COLUMN attachments.version_at IS 'Time of the newest event that told of it, by the provider''s clock.';
COMMENT ON COLUMN attachments.attachment_id IS 'Linear''s id of the attachment.';
COMMENT ON COLUMN attachments.title IS 'What Linear shows of it. Untrusted text.';
COMMENT ON COLUMN attachments.subtitle IS 'What Linear shows below the title. Untrusted text.';
COMMENT ON COLUMN attachments.attached_url IS 'Address of what is attached.';
COMMENT ON COLUMN attachments.attached_from IS 'What it comes from, as Linear says: github, slack, …; NULL when it does not.';
COMMENT ON COLUMN attachments.issue_key IS 'issues.key of the issue that it is attached to now.';
COMMENT ON COLUMN attachments.original_issue_key IS 'issues.key of the issue that it was attached to first, when it was moved from there.';
COMMENT ON COLUMN attachments.deleted_at IS 'When it was taken off; NULL while it is attached.';

COMMENT ON COLUMN entity_history.entity IS 'Kind of thing: repository, pull_request, review, issue, attachment, comment, commit, branch, check, workflow_run, workflow_job, release, deployment, project, cycle, slack_channel, slack_message, slack_reaction.';

CREATE INDEX event_subjects_pull_request ON event_subjects (lower(subject), tenant) WHERE kind = 'pull_request';

-- Issues that were transferred more than once are followed from where they were (views/issue_origins.sql).
CREATE INDEX issues_transferred ON issues (tenant) WHERE transferred_to IS NOT NULL;

-- Copies that a rebuild left, or that show what was, lack the new table.
DROP SCHEMA IF EXISTS rebuild_entities CASCADE;
