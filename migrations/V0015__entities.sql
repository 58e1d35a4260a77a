-- Entities: what repositories, pull requests, issues, messages and so on are now, and every version of them that an
-- event has told. Written by the consumer "entities" (src/projectors/entities) alone; made again from the log at will.
-- docs/decisions/0015 tells how what is now follows from the history.
--
-- Values that a column cannot hold are NULL; columns with an index hold at most 512 bytes, which the projector sees to.

SET LOCAL search_path = projections, public;

-- JSON objects merged in order: what a later one says counts.
CREATE AGGREGATE hooklake.merged (jsonb) (SFUNC = jsonb_concat, STYPE = jsonb, INITCOND = '{}');

CREATE TABLE hooklake.unsettled_entities (
    entity text NOT NULL,
    tenant text NOT NULL,
    key    text NOT NULL
);
COMMENT ON TABLE hooklake.unsettled_entities IS 'Entities whose history is being cut by a redaction; empty outside its transaction.';

CREATE TABLE entity_history (
    "position"  bigint      NOT NULL,
    tenant      text        NOT NULL,
    source      text        NOT NULL,
    entity      text        NOT NULL,
    key         text        NOT NULL,
    aspect      text        NOT NULL,
    version_at  timestamptz NOT NULL,
    rank        bigint      NOT NULL,
    digest      bigint      NOT NULL,
    received_at timestamptz NOT NULL,
    state       jsonb       COMPRESSION lz4 NOT NULL,
    PRIMARY KEY ("position", entity, key, aspect)
);
CREATE INDEX entity_history_newest ON entity_history (tenant, entity, key, aspect, version_at DESC, rank DESC, digest DESC, "position");

COMMENT ON TABLE entity_history IS 'Every version of every entity that an event has told: what a pull request, issue, branch, message, … was, and when. How HEL-42 went: join issues on key, ORDER BY version_at. What is now is in the table of the entity''s kind.';
COMMENT ON COLUMN entity_history."position" IS 'The event that told it; join with events on it.';
COMMENT ON COLUMN entity_history.entity IS 'Kind of thing: repository, pull_request, review, issue, comment, commit, branch, check, workflow_run, workflow_job, release, deployment, project, cycle, slack_channel, slack_message, slack_reaction.';
COMMENT ON COLUMN entity_history.key IS 'Which one; the column key of the table of its kind.';
COMMENT ON COLUMN entity_history.aspect IS 'Which columns this version says: whole, or a part that events about something else show. A newer version of one aspect replaces an older one.';
COMMENT ON COLUMN entity_history.version_at IS 'When it became so, by the provider''s clock; 1970 when the provider does not say. Decides which version is newest, never the order of arrival.';
COMMENT ON COLUMN entity_history.rank IS 'Of versions of one moment: how far the thing had come.';
COMMENT ON COLUMN entity_history.digest IS 'Hash of state; settles which of two versions counts that nothing else tells apart.';
COMMENT ON COLUMN entity_history.state IS 'The columns that it says, under the names of the table of its kind. Untrusted text of outsiders.';

CREATE TABLE repositories (
    tenant         text        NOT NULL,
    key            text        NOT NULL,
    source         text        NOT NULL,
    repository_id  bigint,
    full_name      text,
    owner          text,
    name           text,
    description    text,
    default_branch text,
    visibility     text,
    is_private     boolean,
    is_fork        boolean,
    is_archived    boolean,
    language       text,
    topics         text[],
    stars          bigint,
    forks          bigint,
    open_issues    bigint,
    created_at     timestamptz,
    updated_at     timestamptz,
    pushed_at      timestamptz,
    url            text,
    is_deleted     boolean     NOT NULL,
    version_at     timestamptz NOT NULL,
    "position"     bigint      NOT NULL,
    PRIMARY KEY (tenant, key)
);
CREATE INDEX repositories_repository_id ON repositories (repository_id);
CREATE INDEX repositories_full_name ON repositories (full_name);

COMMENT ON TABLE repositories IS 'Repositories at GitHub, one row each, as they are now. A repository keeps its number when it is renamed or transferred; entity_history has the names before.';
COMMENT ON COLUMN repositories.full_name IS 'owner/name as of now.';
COMMENT ON COLUMN repositories.visibility IS 'public, private or internal; NULL where older payloads do not say.';
COMMENT ON COLUMN repositories.open_issues IS 'Open issues and pull requests, as GitHub counts them.';
COMMENT ON COLUMN repositories.pushed_at IS 'When anything was last pushed.';

CREATE TABLE pull_requests (
    tenant              text        NOT NULL,
    key                 text        NOT NULL,
    source              text        NOT NULL,
    repository_id       bigint,
    repository          text,
    number              bigint,
    pull_request_id     bigint,
    title               text,
    body                text,
    state               text,
    is_merged           boolean,
    is_draft            boolean,
    author              text,
    author_key          text,
    author_association  text,
    head_ref            text,
    head_sha            text,
    base_ref            text,
    base_sha            text,
    merge_commit_sha    text,
    labels              text[],
    assignees           text[],
    requested_reviewers text[],
    requested_teams     text[],
    milestone           text,
    merged_by           text,
    comments            bigint,
    review_comments     bigint,
    commits             bigint,
    additions           bigint,
    deletions           bigint,
    changed_files       bigint,
    created_at          timestamptz,
    updated_at          timestamptz,
    closed_at           timestamptz,
    merged_at           timestamptz,
    subject             text,
    url                 text,
    is_deleted          boolean     NOT NULL,
    version_at          timestamptz NOT NULL,
    "position"          bigint      NOT NULL,
    PRIMARY KEY (tenant, key)
);
CREATE INDEX pull_requests_number ON pull_requests (repository, number);
CREATE INDEX pull_requests_head_sha ON pull_requests (head_sha);
CREATE INDEX pull_requests_merge_commit_sha ON pull_requests (merge_commit_sha);

COMMENT ON TABLE pull_requests IS 'Pull requests at GitHub, one row each, as they are now.';
COMMENT ON COLUMN pull_requests.state IS 'open or closed; merged when is_merged.';
COMMENT ON COLUMN pull_requests.author IS 'Login of who opened it.';
COMMENT ON COLUMN pull_requests.head_ref IS 'Branch with the changes.';
COMMENT ON COLUMN pull_requests.head_sha IS 'Newest commit of the changes; join with checks, workflow_runs and commits.';
COMMENT ON COLUMN pull_requests.base_ref IS 'Branch that the changes are for.';
COMMENT ON COLUMN pull_requests.merge_commit_sha IS 'The commit that the merge made; before the merge a test merge of GitHubs.';
COMMENT ON COLUMN pull_requests.requested_reviewers IS 'Logins of those whose review is awaited.';
COMMENT ON COLUMN pull_requests.requested_teams IS 'Teams whose review is awaited.';
COMMENT ON COLUMN pull_requests.merged_by IS 'Login of who merged it.';
COMMENT ON COLUMN pull_requests.comments IS 'Comments in the conversation; NULL until an event of the pull request itself came, as for the columns after it up to changed_files.';
COMMENT ON COLUMN pull_requests.review_comments IS 'Comments on lines of the changes.';
COMMENT ON COLUMN pull_requests.additions IS 'Lines added.';
COMMENT ON COLUMN pull_requests.deletions IS 'Lines deleted.';

CREATE TABLE reviews (
    tenant              text        NOT NULL,
    key                 text        NOT NULL,
    source              text        NOT NULL,
    repository_id       bigint,
    repository          text,
    pull_request_number bigint,
    pull_request_key    text,
    review_id           bigint,
    reviewer            text,
    reviewer_key        text,
    author_association  text,
    state               text,
    body                text,
    commit_sha          text,
    submitted_at        timestamptz,
    url                 text,
    is_deleted          boolean     NOT NULL,
    version_at          timestamptz NOT NULL,
    "position"          bigint      NOT NULL,
    PRIMARY KEY (tenant, key)
);
CREATE INDEX reviews_pull_request_key ON reviews (pull_request_key);

COMMENT ON TABLE reviews IS 'Reviews of pull requests at GitHub, one row each, as they are now.';
COMMENT ON COLUMN reviews.pull_request_key IS 'pull_requests.key of what was reviewed.';
COMMENT ON COLUMN reviews.reviewer IS 'Login of the reviewer.';
COMMENT ON COLUMN reviews.state IS 'approved, changes_requested, commented or dismissed.';
COMMENT ON COLUMN reviews.commit_sha IS 'The commit that was reviewed.';

CREATE TABLE issues (
    tenant               text             NOT NULL,
    key                  text             NOT NULL,
    source               text             NOT NULL,
    issue_id             text,
    identifier           text,
    previous_identifiers text[],
    number               bigint,
    repository_id        bigint,
    repository           text,
    team                 text,
    team_name            text,
    title                text,
    body                 text,
    state                text,
    state_type           text,
    state_reason         text,
    is_open              boolean,
    priority             bigint,
    estimate             double precision,
    creator              text,
    creator_key          text,
    author_association   text,
    assignees            text[],
    assignee_key         text,
    labels               text[],
    milestone            text,
    project              text,
    project_key          text,
    cycle                bigint,
    cycle_key            text,
    parent_key           text,
    due_at               timestamptz,
    comments             bigint,
    created_at           timestamptz,
    updated_at           timestamptz,
    started_at           timestamptz,
    closed_at            timestamptz,
    deleted_at           timestamptz,
    transferred_to       text,
    transferred_from     text,
    subject              text,
    url                  text,
    is_deleted           boolean          NOT NULL,
    version_at           timestamptz      NOT NULL,
    "position"           bigint           NOT NULL,
    PRIMARY KEY (tenant, key)
);
CREATE INDEX issues_identifier ON issues (identifier);
CREATE INDEX issues_number ON issues (repository, number);

COMMENT ON TABLE issues IS 'Issues at GitHub and in Linear, one row each, as they are now; source tells them apart. Pull requests are not among them.';
COMMENT ON COLUMN issues.issue_id IS 'The providers own id.';
COMMENT ON COLUMN issues.identifier IS 'HEL-42 (Linear) or owner/name#2 (GitHub).';
COMMENT ON COLUMN issues.previous_identifiers IS 'What a Linear issue was called before it moved to another team.';
COMMENT ON COLUMN issues.team IS 'Key of the Linear team: HEL.';
COMMENT ON COLUMN issues.state IS 'open or closed (GitHub), or the workflow state as the Linear team calls it.';
COMMENT ON COLUMN issues.state_type IS 'Linear: triage, backlog, unstarted, started, completed or canceled.';
COMMENT ON COLUMN issues.state_reason IS 'GitHub: completed, not_planned or reopened.';
COMMENT ON COLUMN issues.is_open IS 'For both providers: neither completed nor cancelled nor closed.';
COMMENT ON COLUMN issues.priority IS 'Linear: 0 none, 1 urgent, 2 high, 3 medium, 4 low.';
COMMENT ON COLUMN issues.estimate IS 'Linear: points, as the team counts.';
COMMENT ON COLUMN issues.creator IS 'A login (GitHub) or name (Linear).';
COMMENT ON COLUMN issues.assignees IS 'Logins (GitHub) or the one name (Linear).';
COMMENT ON COLUMN issues.assignee_key IS 'Linear: person_identities.key of the assignee.';
COMMENT ON COLUMN issues.project_key IS 'Linear: projects.key.';
COMMENT ON COLUMN issues.cycle IS 'Linear: number of the cycle it is in.';
COMMENT ON COLUMN issues.cycle_key IS 'Linear: cycles.key.';
COMMENT ON COLUMN issues.parent_key IS 'Linear: issues.key of what it is a part of.';
COMMENT ON COLUMN issues.started_at IS 'Linear: when work began.';
COMMENT ON COLUMN issues.closed_at IS 'When it was closed, completed or cancelled.';
COMMENT ON COLUMN issues.deleted_at IS 'When Linear removed it; GitHub does not say when.';
COMMENT ON COLUMN issues.transferred_to IS 'issues.key of what it became in another repository; it is gone here.';
COMMENT ON COLUMN issues.transferred_from IS 'issues.key of what it was in another repository.';

CREATE TABLE comments (
    tenant             text        NOT NULL,
    key                text        NOT NULL,
    source             text        NOT NULL,
    comment_id         text,
    kind               text,
    parent_kind        text,
    parent_key         text,
    repository_id      bigint,
    repository         text,
    number             bigint,
    author             text,
    author_key         text,
    author_association text,
    body               text,
    path               text,
    line               bigint,
    commit_sha         text,
    review_id          bigint,
    in_reply_to        text,
    created_at         timestamptz,
    updated_at         timestamptz,
    deleted_at         timestamptz,
    subject            text,
    url                text,
    is_deleted         boolean     NOT NULL,
    version_at         timestamptz NOT NULL,
    "position"         bigint      NOT NULL,
    PRIMARY KEY (tenant, key)
);
CREATE INDEX comments_parent_key ON comments (parent_key);

COMMENT ON TABLE comments IS 'Comments on pull requests, issues, commits and discussions (GitHub) and on issues, projects and documents (Linear), one row each, as they are now. Texts of reviews are in reviews.';
COMMENT ON COLUMN comments.comment_id IS 'The providers own id, unique per kind.';
COMMENT ON COLUMN comments.kind IS 'issue_comment, pull_request_review_comment, commit_comment, discussion_comment or linear_comment.';
COMMENT ON COLUMN comments.parent_kind IS 'What it is on: pull_request, issue, commit, discussion, project, project_update, initiative_update or document.';
COMMENT ON COLUMN comments.parent_key IS 'The key of what it is on, in the table of that kind.';
COMMENT ON COLUMN comments.number IS 'Number of the pull request, issue or discussion.';
COMMENT ON COLUMN comments.path IS 'File that a comment on changes is about.';
COMMENT ON COLUMN comments.line IS 'Line that a comment on changes is about; NULL when the line is no more.';
COMMENT ON COLUMN comments.review_id IS 'reviews.review_id of the review that it belongs to.';
COMMENT ON COLUMN comments.in_reply_to IS 'comments.key of what it answers.';
COMMENT ON COLUMN comments.deleted_at IS 'When Linear removed it; GitHub does not say when.';

CREATE TABLE commits (
    tenant          text        NOT NULL,
    key             text        NOT NULL,
    source          text        NOT NULL,
    sha             text,
    repository_id   bigint,
    repository      text,
    message         text,
    author          text,
    author_name     text,
    author_email    text,
    committer       text,
    committer_name  text,
    committer_email text,
    files_added     bigint,
    files_removed   bigint,
    files_modified  bigint,
    committed_at    timestamptz,
    subject         text,
    url             text,
    is_deleted      boolean     NOT NULL,
    version_at      timestamptz NOT NULL,
    "position"      bigint      NOT NULL,
    PRIMARY KEY (tenant, key)
);
CREATE INDEX commits_sha ON commits (sha);

COMMENT ON TABLE commits IS 'Commits of repositories at GitHub that pushes, checks and statuses have shown, one row each.';
COMMENT ON COLUMN commits.sha IS 'Hash of the commit; the same commit in a fork is another row.';
COMMENT ON COLUMN commits.author IS 'Login of the author; NULL when GitHub knows none by that email.';
COMMENT ON COLUMN commits.author_email IS 'As the authors machine was set up.';
COMMENT ON COLUMN commits.committer IS 'Login of who made the commit: web-flow when GitHub did.';
COMMENT ON COLUMN commits.files_added IS 'NULL until a push has shown the commit, as for the two columns after it.';
COMMENT ON COLUMN commits.committed_at IS 'By the clock of the machine that made it.';

CREATE TABLE branches (
    tenant        text        NOT NULL,
    key           text        NOT NULL,
    source        text        NOT NULL,
    repository_id bigint,
    repository    text,
    name          text,
    sha           text,
    is_default    boolean,
    pushed_by     text,
    pushed_at     timestamptz,
    subject       text,
    url           text,
    is_deleted    boolean     NOT NULL,
    version_at    timestamptz NOT NULL,
    "position"    bigint      NOT NULL,
    PRIMARY KEY (tenant, key)
);
CREATE INDEX branches_name ON branches (repository, name);

COMMENT ON TABLE branches IS 'Branches of repositories at GitHub, one row each, as they are now; those that are deleted are there with is_deleted.';
COMMENT ON COLUMN branches.sha IS 'The newest commit; where it last was if it is deleted.';
COMMENT ON COLUMN branches.is_default IS 'True for the branch that the repository shows first.';
COMMENT ON COLUMN branches.pushed_by IS 'Login of who pushed last.';

CREATE TABLE checks (
    tenant               text        NOT NULL,
    key                  text        NOT NULL,
    source               text        NOT NULL,
    kind                 text,
    check_id             bigint,
    repository_id        bigint,
    repository           text,
    name                 text,
    status               text,
    conclusion           text,
    head_sha             text,
    head_branch          text,
    app                  text,
    suite_id             bigint,
    summary              text,
    pull_request_numbers bigint[],
    started_at           timestamptz,
    completed_at         timestamptz,
    url                  text,
    is_deleted           boolean     NOT NULL,
    version_at           timestamptz NOT NULL,
    "position"           bigint      NOT NULL,
    PRIMARY KEY (tenant, key)
);
CREATE INDEX checks_head_sha ON checks (head_sha);

COMMENT ON TABLE checks IS 'Check runs, check suites and commit statuses at GitHub, one row each, as they are now.';
COMMENT ON COLUMN checks.kind IS 'check_run, check_suite or status.';
COMMENT ON COLUMN checks.name IS 'Name of the check, of the app for a suite, or the context of a status.';
COMMENT ON COLUMN checks.status IS 'queued, in_progress or completed.';
COMMENT ON COLUMN checks.conclusion IS 'success, failure, cancelled, …; NULL until completed. A status has success, failure or error.';
COMMENT ON COLUMN checks.head_sha IS 'The commit that is checked; join with pull_requests and commits.';
COMMENT ON COLUMN checks.app IS 'Who checks.';
COMMENT ON COLUMN checks.suite_id IS 'check_id of the suite that a run is in.';
COMMENT ON COLUMN checks.summary IS 'What the check says in one line. Untrusted.';
COMMENT ON COLUMN checks.pull_request_numbers IS 'Pull requests whose head it checks; empty for forks.';

CREATE TABLE workflow_runs (
    tenant               text        NOT NULL,
    key                  text        NOT NULL,
    source               text        NOT NULL,
    run_id               bigint,
    workflow_id          bigint,
    repository_id        bigint,
    repository           text,
    name                 text,
    title                text,
    run_number           bigint,
    run_attempt          bigint,
    event                text,
    status               text,
    conclusion           text,
    head_branch          text,
    head_sha             text,
    actor                text,
    actor_key            text,
    pull_request_numbers bigint[],
    created_at           timestamptz,
    started_at           timestamptz,
    completed_at         timestamptz,
    updated_at           timestamptz,
    url                  text,
    is_deleted           boolean     NOT NULL,
    version_at           timestamptz NOT NULL,
    "position"           bigint      NOT NULL,
    PRIMARY KEY (tenant, key)
);
CREATE INDEX workflow_runs_head_sha ON workflow_runs (head_sha);

COMMENT ON TABLE workflow_runs IS 'Runs of workflows (GitHub Actions), one row each, as they are now. A run that is started again is the same row with another run_attempt.';
COMMENT ON COLUMN workflow_runs.name IS 'Name of the workflow.';
COMMENT ON COLUMN workflow_runs.event IS 'What started it: push, pull_request, schedule, ….';
COMMENT ON COLUMN workflow_runs.status IS 'requested, queued, in_progress or completed.';
COMMENT ON COLUMN workflow_runs.conclusion IS 'success, failure, cancelled, …; NULL until completed.';
COMMENT ON COLUMN workflow_runs.started_at IS 'When this attempt started.';
COMMENT ON COLUMN workflow_runs.completed_at IS 'When it ended, if it has.';

CREATE TABLE workflow_jobs (
    tenant        text        NOT NULL,
    key           text        NOT NULL,
    source        text        NOT NULL,
    job_id        bigint,
    run_id        bigint,
    run_key       text,
    run_attempt   bigint,
    workflow      text,
    repository_id bigint,
    repository    text,
    name          text,
    status        text,
    conclusion    text,
    head_branch   text,
    head_sha      text,
    runner        text,
    created_at    timestamptz,
    started_at    timestamptz,
    completed_at  timestamptz,
    url           text,
    is_deleted    boolean     NOT NULL,
    version_at    timestamptz NOT NULL,
    "position"    bigint      NOT NULL,
    PRIMARY KEY (tenant, key)
);
CREATE INDEX workflow_jobs_run_key ON workflow_jobs (run_key);

COMMENT ON TABLE workflow_jobs IS 'Jobs of workflow runs (GitHub Actions), one row each, as they are now.';
COMMENT ON COLUMN workflow_jobs.run_key IS 'workflow_runs.key of the run that it is in.';
COMMENT ON COLUMN workflow_jobs.runner IS 'Name of the machine.';
COMMENT ON COLUMN workflow_jobs.started_at IS 'When a machine took it; before that when it was queued.';

CREATE TABLE releases (
    tenant        text        NOT NULL,
    key           text        NOT NULL,
    source        text        NOT NULL,
    release_id    bigint,
    repository_id bigint,
    repository    text,
    tag           text,
    name          text,
    body          text,
    target        text,
    is_draft      boolean,
    is_prerelease boolean,
    author        text,
    author_key    text,
    created_at    timestamptz,
    published_at  timestamptz,
    subject       text,
    url           text,
    is_deleted    boolean     NOT NULL,
    version_at    timestamptz NOT NULL,
    "position"    bigint      NOT NULL,
    PRIMARY KEY (tenant, key)
);
CREATE INDEX releases_tag ON releases (repository, tag);

COMMENT ON TABLE releases IS 'Releases at GitHub, one row each, as they are now.';
COMMENT ON COLUMN releases.target IS 'Branch or commit that the tag is made from.';
COMMENT ON COLUMN releases.published_at IS 'NULL for a draft.';

CREATE TABLE deployments (
    tenant        text        NOT NULL,
    key           text        NOT NULL,
    source        text        NOT NULL,
    deployment_id text,
    repository_id bigint,
    repository    text,
    environment   text,
    status        text,
    status_id     bigint,
    task          text,
    commit_sha    text,
    ref           text,
    creator       text,
    creator_key   text,
    description   text,
    created_at    timestamptz,
    started_at    timestamptz,
    finished_at   timestamptz,
    updated_at    timestamptz,
    subject       text,
    url           text,
    is_deleted    boolean     NOT NULL,
    version_at    timestamptz NOT NULL,
    "position"    bigint      NOT NULL,
    PRIMARY KEY (tenant, key)
);
CREATE INDEX deployments_commit_sha ON deployments (commit_sha);
CREATE INDEX deployments_finished_at ON deployments (environment, finished_at);

COMMENT ON TABLE deployments IS 'What was brought where: one row for each deployment posted to /events/deployment and each of GitHubs, as they are now. Each event of them is in deployment_events.';
COMMENT ON COLUMN deployments.deployment_id IS 'As its source names it.';
COMMENT ON COLUMN deployments.status IS 'As sent: success, failure, in_progress, …; created when GitHub has told no status yet; inactive when another one took its place.';
COMMENT ON COLUMN deployments.ref IS 'Branch, tag or commit that was deployed.';
COMMENT ON COLUMN deployments.finished_at IS 'When it ended; for GitHub the time of the status that ended it.';
COMMENT ON COLUMN deployments.creator IS 'Who started it, as the source names them.';

CREATE TABLE projects (
    tenant       text        NOT NULL,
    key          text        NOT NULL,
    source       text        NOT NULL,
    name         text,
    number       bigint,
    description  text,
    status       text,
    status_type  text,
    health       text,
    priority     bigint,
    lead         text,
    lead_key     text,
    creator      text,
    creator_key  text,
    team_ids     text[],
    created_at   timestamptz,
    updated_at   timestamptz,
    started_at   timestamptz,
    target_at    timestamptz,
    completed_at timestamptz,
    deleted_at   timestamptz,
    url          text,
    is_deleted   boolean     NOT NULL,
    version_at   timestamptz NOT NULL,
    "position"   bigint      NOT NULL,
    PRIMARY KEY (tenant, key)
);

COMMENT ON TABLE projects IS 'Projects in Linear and at GitHub, one row each, as they are now.';
COMMENT ON COLUMN projects.status IS 'open or closed (GitHub), or as the organisation calls it (Linear).';
COMMENT ON COLUMN projects.status_type IS 'Linear: backlog, planned, started, paused, completed or canceled.';
COMMENT ON COLUMN projects.health IS 'Linear: onTrack, atRisk or offTrack, as its newest update says.';
COMMENT ON COLUMN projects.lead IS 'Linear: who answers for it.';
COMMENT ON COLUMN projects.target_at IS 'When it is to be done.';
COMMENT ON COLUMN projects.completed_at IS 'When it was completed, cancelled or closed.';

CREATE TABLE cycles (
    tenant       text        NOT NULL,
    key          text        NOT NULL,
    source       text        NOT NULL,
    cycle_id     text,
    number       bigint,
    name         text,
    description  text,
    team_id      text,
    team         text,
    starts_at    timestamptz,
    ends_at      timestamptz,
    completed_at timestamptz,
    created_at   timestamptz,
    updated_at   timestamptz,
    deleted_at   timestamptz,
    is_deleted   boolean     NOT NULL,
    version_at   timestamptz NOT NULL,
    "position"   bigint      NOT NULL,
    PRIMARY KEY (tenant, key)
);

COMMENT ON TABLE cycles IS 'Cycles of Linear teams, one row each, as they are now.';
COMMENT ON COLUMN cycles.team_id IS 'Linears id of the team.';
COMMENT ON COLUMN cycles.team IS 'Key of the team, where Linear says it.';
COMMENT ON COLUMN cycles.completed_at IS 'When it was closed, which is not when it was to end.';

CREATE TABLE slack_channels (
    tenant        text        NOT NULL,
    key           text        NOT NULL,
    source        text        NOT NULL,
    channel_id    text,
    team_id       text,
    name          text,
    creator_key   text,
    is_archived   boolean,
    created_at    timestamptz,
    last_event_at timestamptz,
    is_deleted    boolean     NOT NULL,
    version_at    timestamptz NOT NULL,
    "position"    bigint      NOT NULL,
    PRIMARY KEY (tenant, key)
);

COMMENT ON TABLE slack_channels IS 'Channels of Slack that any event has shown, one row each, as they are now.';
COMMENT ON COLUMN slack_channels.team_id IS 'Slacks id of the workspace.';
COMMENT ON COLUMN slack_channels.name IS 'NULL until an event says it: creation, renaming, a slash command or a click.';
COMMENT ON COLUMN slack_channels.is_archived IS 'NULL until an event says it.';
COMMENT ON COLUMN slack_channels.last_event_at IS 'The newest event in it.';

CREATE TABLE slack_messages (
    tenant      text        NOT NULL,
    key         text        NOT NULL,
    source      text        NOT NULL,
    channel_id  text,
    channel_key text,
    team_id     text,
    ts          text,
    thread_ts   text,
    thread_key  text,
    is_reply    boolean,
    subtype     text,
    user_id     text,
    user_key    text,
    bot_id      text,
    username    text,
    text        text,
    file_names  text[],
    edited_at   timestamptz,
    edited_by   text,
    created_at  timestamptz,
    deleted_at  timestamptz,
    subject     text,
    is_deleted  boolean     NOT NULL,
    version_at  timestamptz NOT NULL,
    "position"  bigint      NOT NULL,
    PRIMARY KEY (tenant, key)
);
CREATE INDEX slack_messages_created_at ON slack_messages (channel_id, created_at);
CREATE INDEX slack_messages_thread_key ON slack_messages (thread_key);

COMMENT ON TABLE slack_messages IS 'Messages in Slack, one row each, with their newest text. Those that were deleted are there with is_deleted.';
COMMENT ON COLUMN slack_messages.channel_key IS 'slack_channels.key.';
COMMENT ON COLUMN slack_messages.ts IS 'Name of the message within its channel; its time in seconds since 1970.';
COMMENT ON COLUMN slack_messages.thread_key IS 'slack_messages.key of the message that opened the thread; NULL when it is in none.';
COMMENT ON COLUMN slack_messages.is_reply IS 'True for a message in a thread that did not open it.';
COMMENT ON COLUMN slack_messages.subtype IS 'bot_message, channel_join, …; NULL for what a person wrote.';
COMMENT ON COLUMN slack_messages.user_id IS 'Slacks id of who wrote it.';
COMMENT ON COLUMN slack_messages.user_key IS 'person_identities.key of who wrote it.';
COMMENT ON COLUMN slack_messages.text IS '<url|words> and <@user> are Slacks notation. Untrusted.';
COMMENT ON COLUMN slack_messages.edited_by IS 'Slacks id of who edited it.';

CREATE TABLE slack_reactions (
    tenant      text        NOT NULL,
    key         text        NOT NULL,
    source      text        NOT NULL,
    message_key text,
    channel_id  text,
    ts          text,
    user_id     text,
    user_key    text,
    reaction    text,
    reacted_at  timestamptz,
    is_deleted  boolean     NOT NULL,
    version_at  timestamptz NOT NULL,
    "position"  bigint      NOT NULL,
    PRIMARY KEY (tenant, key)
);
CREATE INDEX slack_reactions_message_key ON slack_reactions (message_key);

COMMENT ON TABLE slack_reactions IS 'Reactions to messages in Slack: one row for each person, emoji and message. Those that were taken back are there with is_deleted.';
COMMENT ON COLUMN slack_reactions.message_key IS 'slack_messages.key of what was reacted to.';
COMMENT ON COLUMN slack_reactions.reaction IS 'Name of the emoji, without colons.';
COMMENT ON COLUMN slack_reactions.reacted_at IS 'When it was given, or taken back.';

-- What all of them have in common.
DO $$
DECLARE
    of_table text;
    said text[];
BEGIN
    FOREACH of_table IN ARRAY ARRAY[
        'repositories', 'pull_requests', 'reviews', 'issues', 'comments', 'commits', 'branches', 'checks',
        'workflow_runs', 'workflow_jobs', 'releases', 'deployments', 'projects', 'cycles', 'slack_channels',
        'slack_messages', 'slack_reactions']
    LOOP
        FOREACH said SLICE 1 IN ARRAY ARRAY[
            ['tenant', 'Whose it is; "default" unless several tenants are configured.'],
            ['key', 'Its name for good, with the source in front; unique within a tenant.'],
            ['source', 'Who told it: github, linear, slack or deployment.'],
            ['repository_id', 'GitHub''s number of the repository, which it keeps under other names; join with repositories.'],
            ['repository', 'owner/name as it was called when this was told; repositories.full_name is its name now.'],
            ['body', 'Text, Markdown. Untrusted.'],
            ['labels', 'Names of its labels.'],
            ['author_key', 'person_identities.key of the author.'],
            ['creator_key', 'person_identities.key of who made it.'],
            ['reviewer_key', 'person_identities.key of the reviewer.'],
            ['actor_key', 'person_identities.key of who started it.'],
            ['lead_key', 'person_identities.key of the lead.'],
            ['author_association', 'What the author is to the repository: OWNER, MEMBER, CONTRIBUTOR, NONE, ….'],
            ['subject', 'What event_subjects and correlated_events call it.'],
            ['created_at', 'When it was made, as its source says.'],
            ['updated_at', 'When it was last changed, as its source says.'],
            ['url', 'Where a person can look at it.'],
            ['is_deleted', 'True when it is no more.'],
            ['version_at', 'When it became as it is now, by the provider''s clock.'],
            ['position', 'The event that told its newest version; join with events and entity_history.']]
        LOOP
            -- A column that says more of itself keeps its words.
            IF EXISTS (SELECT FROM pg_attribute a
                       WHERE a.attrelid = of_table::regclass AND a.attname = said[1]
                         AND col_description(a.attrelid, a.attnum) IS NULL) THEN
                EXECUTE format('COMMENT ON COLUMN %I.%I IS %L', of_table, said[1], said[2]);
            END IF;
        END LOOP;
    END LOOP;
END $$;
