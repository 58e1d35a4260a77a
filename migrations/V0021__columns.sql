-- The columns that people filter by and that the platforms' tables lacked (src/domain/columns). The raised versions of the
-- projectors fill them at the next start; until then they are NULL for rows that are there, and lists are empty.

ALTER TABLE projections.github_events
    ADD COLUMN title                      text,
    ADD COLUMN repository_private         boolean,
    ADD COLUMN installation_id            bigint,
    ADD COLUMN author_association         text,
    ADD COLUMN pull_request_merged_by     text,
    ADD COLUMN pull_request_additions     bigint,
    ADD COLUMN pull_request_deletions     bigint,
    ADD COLUMN pull_request_changed_files bigint,
    ADD COLUMN pull_request_commits       bigint,
    ADD COLUMN requested_reviewers        text[] NOT NULL DEFAULT '{}',
    ADD COLUMN requested_reviewer         text,
    ADD COLUMN base_sha                   text,
    ADD COLUMN issue_state_reason         text,
    ADD COLUMN issue_author               text,
    ADD COLUMN discussion_number          bigint,
    ADD COLUMN discussion_title           text,
    ADD COLUMN discussion_category        text,
    ADD COLUMN label                      text,
    ADD COLUMN assignees                  text[] NOT NULL DEFAULT '{}',
    ADD COLUMN assignee                   text,
    ADD COLUMN milestone                  text,
    ADD COLUMN ref_type                   text,
    ADD COLUMN tag                        text,
    ADD COLUMN push_forced                boolean,
    ADD COLUMN ref_created                boolean,
    ADD COLUMN ref_deleted                boolean,
    ADD COLUMN before_sha                 text,
    ADD COLUMN commit_author              text,
    ADD COLUMN commit_author_email        text,
    ADD COLUMN pusher_name                text,
    ADD COLUMN review_id                  bigint,
    ADD COLUMN review_author              text,
    ADD COLUMN comment_id                 bigint,
    ADD COLUMN comment_author             text,
    ADD COLUMN comment_path               text,
    ADD COLUMN check_id                   bigint,
    ADD COLUMN check_app                  text,
    ADD COLUMN workflow_name              text,
    ADD COLUMN workflow_path              text,
    ADD COLUMN workflow_event             text,
    ADD COLUMN run_id                     bigint,
    ADD COLUMN run_number                 bigint,
    ADD COLUMN run_attempt                bigint,
    ADD COLUMN job_id                     bigint,
    ADD COLUMN deployment_id              bigint,
    ADD COLUMN release_id                 bigint,
    ADD COLUMN release_name               text,
    ADD COLUMN release_draft              boolean,
    ADD COLUMN release_prerelease         boolean,
    ADD COLUMN package_name               text,
    ADD COLUMN alert_number               bigint,
    ADD COLUMN alert_state                text,
    ADD COLUMN alert_severity             text,
    ADD COLUMN alert_rule                 text,
    ADD COLUMN alert_package              text,
    ADD COLUMN advisory_id                text,
    ADD COLUMN member_login               text,
    ADD COLUMN team_slug                  text,
    ADD COLUMN fork_full_name             text,
    ADD COLUMN changes                    jsonb;

COMMENT ON COLUMN projections.github_events.title IS 'Title of the pull request, issue, discussion or release; name of the check; first line of the commit. Untrusted text.';
COMMENT ON COLUMN projections.github_events.repository_private IS 'True when not everyone could see the repository, as of this event.';
COMMENT ON COLUMN projections.github_events.installation_id IS 'GitHub''s id of the app installation through which it was told; NULL for hooks of a repository or organisation.';
COMMENT ON COLUMN projections.github_events.author_association IS 'What the author of the comment, review, pull request or issue is to the repository: OWNER, MEMBER, COLLABORATOR, CONTRIBUTOR, FIRST_TIME_CONTRIBUTOR, NONE.';
COMMENT ON COLUMN projections.github_events.pull_request_merged_by IS 'Login of who merged the pull request; NULL until it is merged.';
COMMENT ON COLUMN projections.github_events.pull_request_additions IS 'Lines that the pull request adds, as of this event. Only events of type pull_request say.';
COMMENT ON COLUMN projections.github_events.pull_request_deletions IS 'Lines that the pull request removes, as of this event. Only events of type pull_request say.';
COMMENT ON COLUMN projections.github_events.pull_request_changed_files IS 'Files that the pull request changes, as of this event. Only events of type pull_request say.';
COMMENT ON COLUMN projections.github_events.pull_request_commits IS 'Commits of the pull request, as of this event. Only events of type pull_request say.';
COMMENT ON COLUMN projections.github_events.requested_reviewers IS 'Who is asked to review the pull request and has not yet, as of this event: logins of people, then slugs of teams.';
COMMENT ON COLUMN projections.github_events.requested_reviewer IS 'Login or team slug whose review this event asks for or no longer asks for (action review_requested, review_request_removed).';
COMMENT ON COLUMN projections.github_events.base_sha IS 'Commit of the branch that the changes are for.';
COMMENT ON COLUMN projections.github_events.issue_state_reason IS 'Why the issue was closed or opened again: completed, not_planned, duplicate, reopened.';
COMMENT ON COLUMN projections.github_events.issue_author IS 'Login of who opened the issue; NULL for pull requests, see pull_request_author.';
COMMENT ON COLUMN projections.github_events.discussion_number IS 'Number of the discussion.';
COMMENT ON COLUMN projections.github_events.discussion_title IS 'Title of the discussion. Untrusted text.';
COMMENT ON COLUMN projections.github_events.discussion_category IS 'Name of the category of the discussion.';
COMMENT ON COLUMN projections.github_events.label IS 'Name of the label that this event adds, removes, or is about.';
COMMENT ON COLUMN projections.github_events.assignees IS 'Logins of those who have the pull request or issue, as of this event.';
COMMENT ON COLUMN projections.github_events.assignee IS 'Login of whom this event gives it to or takes it from (action assigned, unassigned).';
COMMENT ON COLUMN projections.github_events.milestone IS 'Title of the milestone that the pull request or issue is in, or that the event is about.';
COMMENT ON COLUMN projections.github_events.ref_type IS 'branch, tag or repository: what is pushed to, created or deleted.';
COMMENT ON COLUMN projections.github_events.tag IS 'Name of the tag that is pushed, created, deleted or released.';
COMMENT ON COLUMN projections.github_events.push_forced IS 'True for a push that replaced history.';
COMMENT ON COLUMN projections.github_events.ref_created IS 'True for the push that made the branch or tag.';
COMMENT ON COLUMN projections.github_events.ref_deleted IS 'True for the push that removed the branch or tag.';
COMMENT ON COLUMN projections.github_events.before_sha IS 'Head before a push or before new commits of a pull request; NULL when there was none.';
COMMENT ON COLUMN projections.github_events.commit_author IS 'Author of the head commit: the login where GitHub knows it, else the name as their machine was set up. Untrusted text.';
COMMENT ON COLUMN projections.github_events.commit_author_email IS 'Email address of the author of the head commit, as their machine was set up.';
COMMENT ON COLUMN projections.github_events.pusher_name IS 'Login of who pushed.';
COMMENT ON COLUMN projections.github_events.review_id IS 'GitHub''s id of the review.';
COMMENT ON COLUMN projections.github_events.review_author IS 'Login of who reviewed.';
COMMENT ON COLUMN projections.github_events.comment_id IS 'GitHub''s id of the comment.';
COMMENT ON COLUMN projections.github_events.comment_author IS 'Login of who wrote the comment; sender_login is who edited or deleted it.';
COMMENT ON COLUMN projections.github_events.comment_path IS 'File that the comment is on.';
COMMENT ON COLUMN projections.github_events.check_id IS 'GitHub''s id of the check run or suite.';
COMMENT ON COLUMN projections.github_events.check_app IS 'Slug of the app that checks: github-actions, ….';
COMMENT ON COLUMN projections.github_events.workflow_name IS 'Name of the workflow of a run or job.';
COMMENT ON COLUMN projections.github_events.workflow_path IS 'File of the workflow: .github/workflows/….';
COMMENT ON COLUMN projections.github_events.workflow_event IS 'What started the run: push, pull_request, schedule, workflow_dispatch, ….';
COMMENT ON COLUMN projections.github_events.run_id IS 'GitHub''s id of the workflow run; join workflow_runs on it.';
COMMENT ON COLUMN projections.github_events.run_number IS 'Number of the run within its workflow.';
COMMENT ON COLUMN projections.github_events.run_attempt IS 'Which try of the run it is, from 1.';
COMMENT ON COLUMN projections.github_events.job_id IS 'GitHub''s id of the workflow job.';
COMMENT ON COLUMN projections.github_events.deployment_id IS 'GitHub''s id of the deployment; deployment_events has it as text.';
COMMENT ON COLUMN projections.github_events.release_id IS 'GitHub''s id of the release.';
COMMENT ON COLUMN projections.github_events.release_name IS 'Name of the release. Untrusted text.';
COMMENT ON COLUMN projections.github_events.release_draft IS 'True for a release that is not published yet.';
COMMENT ON COLUMN projections.github_events.release_prerelease IS 'True for a release that is not final.';
COMMENT ON COLUMN projections.github_events.package_name IS 'Name of the package that was published.';
COMMENT ON COLUMN projections.github_events.alert_number IS 'Number of the security alert within its repository and kind.';
COMMENT ON COLUMN projections.github_events.alert_state IS 'open, fixed, dismissed, auto_dismissed, resolved.';
COMMENT ON COLUMN projections.github_events.alert_severity IS 'How bad it is: low, medium or moderate, high, critical; for code without a security rating note, warning, error.';
COMMENT ON COLUMN projections.github_events.alert_rule IS 'Rule that a code scan broke, or kind of secret that was found; never the secret.';
COMMENT ON COLUMN projections.github_events.alert_package IS 'Package with the vulnerability.';
COMMENT ON COLUMN projections.github_events.advisory_id IS 'GHSA-… of the security advisory.';
COMMENT ON COLUMN projections.github_events.member_login IS 'Login of the person whom the event is about: added, removed, invited or blocked.';
COMMENT ON COLUMN projections.github_events.team_slug IS 'Slug of the team that the event is about.';
COMMENT ON COLUMN projections.github_events.fork_full_name IS 'owner/name of the fork that was made.';
COMMENT ON COLUMN projections.github_events.changes IS 'What an edit replaced: {"title": {"from": "…"}, …}. NULL when nothing was edited.';

ALTER TABLE projections.linear_events
    ADD COLUMN webhook_id             text,
    ADD COLUMN occurred_at            timestamptz,
    ADD COLUMN oauth_client_id        text,
    ADD COLUMN app_user_id            text,
    ADD COLUMN object_id              text,
    ADD COLUMN object_type            text,
    ADD COLUMN title                  text,
    ADD COLUMN url                    text,
    ADD COLUMN actor_type             text,
    ADD COLUMN creator_id             text,
    ADD COLUMN creator_email          text,
    ADD COLUMN parent_id              text,
    ADD COLUMN assignee_id            text,
    ADD COLUMN assignee_email         text,
    ADD COLUMN delegate_name          text,
    ADD COLUMN state_id               text,
    ADD COLUMN due_date               date,
    ADD COLUMN sla_breaches_at        timestamptz,
    ADD COLUMN started_at             timestamptz,
    ADD COLUMN completed_at           timestamptz,
    ADD COLUMN canceled_at            timestamptz,
    ADD COLUMN archived_at            timestamptz,
    ADD COLUMN team_ids               text[] NOT NULL DEFAULT '{}',
    ADD COLUMN project_milestone_id   text,
    ADD COLUMN project_milestone_name text,
    ADD COLUMN cycle_id               text,
    ADD COLUMN cycle_name             text,
    ADD COLUMN initiative_id          text,
    ADD COLUMN initiative_name        text,
    ADD COLUMN customer_id            text,
    ADD COLUMN customer_name          text,
    ADD COLUMN lead_name              text,
    ADD COLUMN health                 text,
    ADD COLUMN reaction               text,
    ADD COLUMN attachment_source      text,
    ADD COLUMN release_version        text,
    ADD COLUMN commit_sha             text,
    ADD COLUMN agent_session_id       text,
    ADD COLUMN agent_activity_type    text,
    ADD COLUMN agent_activity_body    text,
    ADD COLUMN changed                text[] NOT NULL DEFAULT '{}';

COMMENT ON COLUMN projections.linear_events.webhook_id IS 'Linear''s id of the hook that told of it.';
COMMENT ON COLUMN projections.linear_events.occurred_at IS 'When it happened, by Linear''s clock.';
COMMENT ON COLUMN projections.linear_events.oauth_client_id IS 'Linear''s id of the app that the event is for (agents, authorisations).';
COMMENT ON COLUMN projections.linear_events.app_user_id IS 'Linear''s id of the user that the app acts as (agents, notifications).';
COMMENT ON COLUMN projections.linear_events.object_id IS 'Linear''s id of what the event is about: the issue, comment, project, document, ….';
COMMENT ON COLUMN projections.linear_events.object_type IS 'What kind of it, where Linear says: of audit entries, agent sessions and notifications.';
COMMENT ON COLUMN projections.linear_events.title IS 'Title or name of what the event is about: issue, document, project, initiative, customer, release, label, …. Untrusted text.';
COMMENT ON COLUMN projections.linear_events.url IS 'Where a person can look at it.';
COMMENT ON COLUMN projections.linear_events.actor_type IS 'user, integration, OauthClient, …: what did it.';
COMMENT ON COLUMN projections.linear_events.creator_id IS 'Linear''s id of who made it.';
COMMENT ON COLUMN projections.linear_events.creator_email IS 'Email address of who made it.';
COMMENT ON COLUMN projections.linear_events.parent_id IS 'Linear''s id of its parent of the same kind: the issue of a sub-issue, the comment that an answer is to, the group of a label.';
COMMENT ON COLUMN projections.linear_events.assignee_id IS 'Linear''s id of who has the issue.';
COMMENT ON COLUMN projections.linear_events.assignee_email IS 'Email address of who has the issue.';
COMMENT ON COLUMN projections.linear_events.delegate_name IS 'The agent that the issue is delegated to.';
COMMENT ON COLUMN projections.linear_events.state_id IS 'Linear''s id of the workflow state, or of the status of a project or customer, or of the stage of a release.';
COMMENT ON COLUMN projections.linear_events.due_date IS 'Day on which it is due: of an issue; the target of a project, initiative or release.';
COMMENT ON COLUMN projections.linear_events.sla_breaches_at IS 'When the issue misses what was promised for it.';
COMMENT ON COLUMN projections.linear_events.started_at IS 'When work on it began.';
COMMENT ON COLUMN projections.linear_events.completed_at IS 'When it was completed.';
COMMENT ON COLUMN projections.linear_events.canceled_at IS 'When it was canceled.';
COMMENT ON COLUMN projections.linear_events.archived_at IS 'When it was archived.';
COMMENT ON COLUMN projections.linear_events.team_ids IS 'Linear''s ids of the teams of a project, or of those that an app was let into.';
COMMENT ON COLUMN projections.linear_events.project_milestone_id IS 'Linear''s id of the project''s milestone that the issue is in.';
COMMENT ON COLUMN projections.linear_events.project_milestone_name IS 'Name of the project''s milestone that the issue is in.';
COMMENT ON COLUMN projections.linear_events.cycle_id IS 'Linear''s id of the cycle that the issue is in, or that the event is about.';
COMMENT ON COLUMN projections.linear_events.cycle_name IS 'Name of that cycle; most have a number only.';
COMMENT ON COLUMN projections.linear_events.initiative_id IS 'Linear''s id of the initiative.';
COMMENT ON COLUMN projections.linear_events.initiative_name IS 'Name of the initiative.';
COMMENT ON COLUMN projections.linear_events.customer_id IS 'Linear''s id of the customer.';
COMMENT ON COLUMN projections.linear_events.customer_name IS 'Name of the customer.';
COMMENT ON COLUMN projections.linear_events.lead_name IS 'Who leads the project or owns the initiative.';
COMMENT ON COLUMN projections.linear_events.health IS 'onTrack, atRisk or offTrack: how a project or initiative stands.';
COMMENT ON COLUMN projections.linear_events.reaction IS 'Name of the emoji.';
COMMENT ON COLUMN projections.linear_events.attachment_source IS 'Where an attachment comes from: github, slack, figma, ….';
COMMENT ON COLUMN projections.linear_events.release_version IS 'Version of a release.';
COMMENT ON COLUMN projections.linear_events.commit_sha IS 'Commit of a release.';
COMMENT ON COLUMN projections.linear_events.agent_session_id IS 'Linear''s id of the agent session.';
COMMENT ON COLUMN projections.linear_events.agent_activity_type IS 'What an agent or its user did: thought, action, prompt, response, elicitation, error.';
COMMENT ON COLUMN projections.linear_events.agent_activity_body IS 'What was said in it. Untrusted text.';
COMMENT ON COLUMN projections.linear_events.changed IS 'For an update: names of the fields that changed, sorted; updated_from has their values before.';

ALTER TABLE projections.slack_events
    ADD COLUMN enterprise_id         text,
    ADD COLUMN channel_name          text,
    ADD COLUMN is_ext_shared_channel boolean,
    ADD COLUMN user_name             text,
    ADD COLUMN bot_name              text,
    ADD COLUMN app_id                text,
    ADD COLUMN is_bot                boolean,
    ADD COLUMN edited_by             text,
    ADD COLUMN item_user_id          text,
    ADD COLUMN inviter_id            text,
    ADD COLUMN title                 text,
    ADD COLUMN previous_text         text,
    ADD COLUMN mentions              text[] NOT NULL DEFAULT '{}',
    ADD COLUMN file_ids              text[] NOT NULL DEFAULT '{}',
    ADD COLUMN item_type             text,
    ADD COLUMN action_type           text,
    ADD COLUMN action_value          text,
    ADD COLUMN block_id              text,
    ADD COLUMN callback_id           text,
    ADD COLUMN view_id               text,
    ADD COLUMN submission            jsonb;

COMMENT ON COLUMN projections.slack_events.enterprise_id IS 'Slack''s id of the organisation that the workspace is in.';
COMMENT ON COLUMN projections.slack_events.channel_name IS 'Name of the channel, where the event says: commands, clicks, channels made or renamed.';
COMMENT ON COLUMN projections.slack_events.is_ext_shared_channel IS 'True when the channel is shared with another organisation.';
COMMENT ON COLUMN projections.slack_events.user_name IS 'Name of user_id, where the event says.';
COMMENT ON COLUMN projections.slack_events.bot_name IS 'Name of the bot that wrote it, or that it gave itself. Untrusted text.';
COMMENT ON COLUMN projections.slack_events.app_id IS 'Slack''s id of the app that wrote it; api_app_id is the one that was told.';
COMMENT ON COLUMN projections.slack_events.is_bot IS 'True when a bot wrote the message or is who the event is about; a click of a person on a message of a bot is not.';
COMMENT ON COLUMN projections.slack_events.edited_by IS 'Slack''s id of who edited the message.';
COMMENT ON COLUMN projections.slack_events.item_user_id IS 'Slack''s id of who wrote what was reacted to.';
COMMENT ON COLUMN projections.slack_events.inviter_id IS 'Slack''s id of who invited the user to the channel.';
COMMENT ON COLUMN projections.slack_events.title IS 'First line of the text; the command with its words; the reaction; the name of the channel or file. Untrusted text.';
COMMENT ON COLUMN projections.slack_events.previous_text IS 'Text before a change or deletion. Untrusted.';
COMMENT ON COLUMN projections.slack_events.mentions IS 'Slack''s ids of the users whom the text names.';
COMMENT ON COLUMN projections.slack_events.file_ids IS 'Slack''s ids of those files.';
COMMENT ON COLUMN projections.slack_events.item_type IS 'What was reacted to, pinned or starred: message, file, ….';
COMMENT ON COLUMN projections.slack_events.action_type IS 'Kind of element that was used: button, static_select, datepicker, ….';
COMMENT ON COLUMN projections.slack_events.action_value IS 'Value of the button, or what was chosen. Untrusted.';
COMMENT ON COLUMN projections.slack_events.block_id IS 'Block that the element is in.';
COMMENT ON COLUMN projections.slack_events.callback_id IS 'Name that the app gave to the shortcut, form or function.';
COMMENT ON COLUMN projections.slack_events.view_id IS 'Slack''s id of the form or home tab.';
COMMENT ON COLUMN projections.slack_events.submission IS 'What was filled in: {block: {field: {"type", "value", …}}}. Untrusted.';

ALTER TABLE projections.deployment_events
    ADD COLUMN event_type             text NOT NULL DEFAULT 'deployment',
    ADD COLUMN title                  text,
    ADD COLUMN task                   text,
    ADD COLUMN production_environment boolean,
    ADD COLUMN run_id                 bigint;

COMMENT ON COLUMN projections.deployment_events.event_type IS 'deployment; for GitHub deployment or deployment_status.';
COMMENT ON COLUMN projections.deployment_events.title IS 'Environment and status in one.';
COMMENT ON COLUMN projections.deployment_events.task IS 'What it does, as its source says; deploy unless told otherwise.';
COMMENT ON COLUMN projections.deployment_events.production_environment IS 'What GitHub was told of the environment: true when users see it. NULL for other origins.';
COMMENT ON COLUMN projections.deployment_events.run_id IS 'GitHub''s id of the workflow run that deploys; join workflow_runs on it.';

-- Copies that rebuilds left have the old shape: they could neither be filled nor compared.
DO $$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['github_events', 'linear_events', 'slack_events', 'deployment_events'] LOOP
        EXECUTE format('DROP SCHEMA IF EXISTS %I CASCADE', 'rebuild_' || name);
    END LOOP;
END $$;
