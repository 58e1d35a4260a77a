-- What stories (views/workflows.sql, views/deployed_commits.sql) and links are looked up by: one story, and the newest ones,
-- cost the same however many there are. What is asked for by name comes first in each index and the tenant after it, so that
-- a question that names no tenant finds it too. And which copies show what was at some position: what is taken out of the log
-- goes from these as well.

SET LOCAL search_path = projections, public;

CREATE INDEX pull_requests_subject ON pull_requests (subject);
CREATE INDEX pull_requests_any_subject ON pull_requests (lower(subject), tenant);
CREATE INDEX pull_requests_position ON pull_requests ("position");
CREATE INDEX issues_subject ON issues (subject);
CREATE INDEX issues_any_subject ON issues (lower(subject), tenant);
CREATE INDEX issues_position ON issues ("position");
CREATE INDEX deployments_began ON deployments (lower(repository), coalesce(created_at, finished_at, version_at), tenant);

DROP INDEX event_subjects_subject, event_correlations_subject, event_correlations_related, subject_aliases_alias, subject_aliases_subject,
    alias_mentions_alias, alias_mentions_subject;
CREATE INDEX event_subjects_subject ON event_subjects (lower(subject), tenant, "position");
CREATE INDEX event_correlations_subject ON event_correlations (lower(subject), tenant);
CREATE INDEX event_correlations_related ON event_correlations (lower(related_subject), tenant);
CREATE INDEX subject_aliases_alias ON subject_aliases (lower(alias), tenant, "position");
CREATE INDEX subject_aliases_subject ON subject_aliases (lower(subject), tenant);
CREATE INDEX alias_mentions_alias ON alias_mentions (lower(alias), tenant);
CREATE INDEX alias_mentions_subject ON alias_mentions (lower(subject), tenant);

CREATE TABLE hooklake.as_of_copies (
    schema_name text   PRIMARY KEY,
    position    bigint NOT NULL
);
COMMENT ON TABLE hooklake.as_of_copies IS 'Copies of projections that readers may ask, as they stood at some position of the log (hooklake rebuild --as-of).';
COMMENT ON COLUMN hooklake.as_of_copies.schema_name IS 'as_of_ and the name of the consumer.';
COMMENT ON COLUMN hooklake.as_of_copies.position IS 'The last position of the log that it holds.';

-- Those that were made before are not known to forget; hooklake rebuild --as-of makes them again.
DO $$
DECLARE
    old text;
BEGIN
    FOR old IN SELECT nspname FROM pg_namespace WHERE nspname LIKE 'as\_of\_%' LOOP
        EXECUTE format('DROP SCHEMA %I CASCADE', old);
    END LOOP;
END $$;
