-- Whether payloads look as their senders document them, checked after they are stored: an authentic delivery is never
-- refused for its content (decision D2). Rules are envelopes of the log (source hooklake, event type
-- validation_rule), so that the log alone says which rule held for which event.

CREATE TABLE validation_rules (
    tenant         text   NOT NULL,
    name           text   NOT NULL,
    source         text   NOT NULL,
    event_type     text   NOT NULL,
    schema         jsonb,
    error          text,
    since_position bigint NOT NULL,
    PRIMARY KEY (tenant, name)
);
COMMENT ON TABLE validation_rules IS 'Validation rules that were set or removed. The ones that hooklake brings hold for every tenant until a row here has their name.';
COMMENT ON COLUMN validation_rules.source IS 'Source of the events that it checks; * for all.';
COMMENT ON COLUMN validation_rules.event_type IS 'Type of the events that it checks; * for all.';
COMMENT ON COLUMN validation_rules.schema IS 'JSON Schema; NULL once the rule was removed.';
COMMENT ON COLUMN validation_rules.error IS 'Why the schema cannot be used; such a rule checks nothing.';
COMMENT ON COLUMN validation_rules.since_position IS 'The envelope that set it; it holds for the events after that.';

CREATE TABLE event_validations (
    "position"  bigint      NOT NULL,
    id          text        NOT NULL,
    tenant      text        NOT NULL,
    source      text        NOT NULL,
    event_type  text        NOT NULL,
    rule        text        NOT NULL,
    valid       boolean     NOT NULL,
    errors      text[]      NOT NULL,
    received_at timestamptz NOT NULL,
    PRIMARY KEY ("position", rule)
);
CREATE INDEX event_validations_id ON event_validations USING hash (id);
CREATE INDEX event_validations_invalid ON event_validations (tenant, "position") WHERE NOT valid;
COMMENT ON TABLE event_validations IS 'What each rule said of each event that it checks.';
COMMENT ON COLUMN event_validations.id IS 'The event, evt_….';
COMMENT ON COLUMN event_validations.rule IS 'Name of the rule.';
COMMENT ON COLUMN event_validations.errors IS 'What is wrong and where, as JSON pointer and message; the first ten.';
