-- Projections move to a schema of their own, and the payload that SQL users see is no longer stored with them: views of
-- the same names in public (src/db/views.rs) read it from the log when it is asked for (decision 0014).

CREATE SCHEMA projections;
COMMENT ON SCHEMA projections IS 'What is made from the log and can be made again. People and agents read it through the views of the same names in public.';

ALTER TABLE public.events SET SCHEMA projections;
ALTER TABLE public.github_events SET SCHEMA projections;
ALTER TABLE public.linear_events SET SCHEMA projections;
ALTER TABLE public.slack_events SET SCHEMA projections;
ALTER TABLE public.deployment_events SET SCHEMA projections;
ALTER TABLE public.received_deliveries SET SCHEMA projections;
ALTER TABLE public.event_subjects SET SCHEMA projections;
ALTER TABLE public.event_correlations SET SCHEMA projections;
ALTER TABLE public.linear_teams SET SCHEMA projections;
ALTER TABLE public.linear_team_mentions SET SCHEMA projections;
ALTER TABLE public.validation_rules SET SCHEMA projections;
ALTER TABLE public.event_validations SET SCHEMA projections;
ALTER TABLE public.log_tiles SET SCHEMA projections;

-- Rows that are there keep their payload, as something mended, until the rebuild that the raised versions bring. So a
-- payload is right before it, while it runs and after it.
DO $$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['events', 'github_events', 'linear_events', 'slack_events', 'deployment_events'] LOOP
        EXECUTE format('ALTER TABLE projections.%I RENAME COLUMN payload TO mended', name);
        EXECUTE format('ALTER TABLE projections.%I ADD COLUMN verbatim boolean NOT NULL DEFAULT false', name);
        EXECUTE format('COMMENT ON COLUMN projections.%I.mended IS %L', name,
            'The payload of a body that is not JSON which jsonb takes as it stands: a form, or something mended. NULL when verbatim, and when there is nothing to show.');
        EXECUTE format('COMMENT ON COLUMN projections.%I.verbatim IS %L', name,
            'True when the body in the log is JSON that jsonb takes as it stands: the payload is read from there.');
        -- A copy that a rebuild left has the old shape: it could neither be filled nor compared.
        EXECUTE format('DROP SCHEMA IF EXISTS %I CASCADE', 'rebuild_' || name);
    END LOOP;
END $$;

-- Called by the views for whoever asks them, so everybody may execute it; nobody but the views can name it.
CREATE FUNCTION projections.body_text(body bytea) RETURNS text
LANGUAGE plpgsql IMMUTABLE STRICT AS $$
BEGIN
    RETURN pg_catalog.convert_from(body, 'UTF8');
EXCEPTION WHEN character_not_in_repertoire OR untranslatable_character THEN
    RETURN pg_catalog.encode(body, 'escape');
END $$;
COMMENT ON FUNCTION projections.body_text IS 'A body as text, whatever it holds: as it came when that is UTF-8 without NUL, else with the odd bytes as \ooo.';
