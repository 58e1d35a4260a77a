-- What events are about has one form (decision 0025): events.subject is the name that entities and links have. It is found by
-- that name first and the tenant after it, so that a question that names no tenant finds it too, as in
-- V0020__stories_and_copies.sql. The index has every row: of one with a condition PostgreSQL does not use what it knows of
-- the frequency of names, and then reads all events, newest first, rather than the few of two or three names.

SET LOCAL search_path = projections, public;

DROP INDEX events_subject;
CREATE INDEX events_subject ON events (lower(subject), tenant, "position");

COMMENT ON COLUMN events.subject IS 'What it is about, by the name that it has everywhere: join with subject of pull_requests, issues, comments, commits, branches, releases, deployments, slack_messages, event_subjects and correlated_events. github:owner/name#2 (pull request, issue or discussion), linear:HEL-42, slack:channel/ts, commit:<sha>, branch:owner/name@main, release:owner/name@v1 (release or tag), deployment:<id>, deployment:github/<number>, person:slack/<id>. A repository is called as it was when the event came. An event may be about more than this: event_subjects has all of it. What no table knows by such a name goes by what it is called: owner/name, owner/name milestone 3, owner/name alert 5, the name of a Linear project, HEL cycle 7, a Slack channel''s id. Custom events: their subject, or else their id, exactly as they say. Case does not matter: lower(subject) = ''linear:hel-42'' uses an index.';

DO $$
DECLARE
    of_table text;
BEGIN
    FOREACH of_table IN ARRAY ARRAY['pull_requests', 'issues', 'comments', 'commits', 'branches', 'releases', 'slack_messages']
    LOOP
        EXECUTE format('COMMENT ON COLUMN %I.subject IS %L', of_table, 'Its name in events.subject, event_subjects and correlated_events; join on it.');
    END LOOP;
END $$;
COMMENT ON COLUMN comments.subject IS 'What it is a comment on, by its name in events.subject and correlated_events: github:owner/name#2, linear:HEL-42, commit:<sha>.';
COMMENT ON COLUMN deployments.subject IS 'Its name in events.subject, event_subjects and correlated_events; join on it: deployment:<id> or deployment:github/<number>. Those of one id in several environments share it.';
