-- Who follows the log, how far each has come, and what each had to set aside; and what this installation knows of
-- itself.

CREATE SCHEMA hooklake;
COMMENT ON SCHEMA hooklake IS 'The system''s own records: consumers, parked events, this installation.';

CREATE TABLE hooklake.consumers (
    name        text        PRIMARY KEY,
    -- The version of the code that filled what it keeps; another version in the binary means a rebuild.
    version     integer     NOT NULL,
    -- Which of its copies is the live one, for what it keeps outside the database.
    generation  integer     NOT NULL DEFAULT 1,
    "position"  bigint      NOT NULL DEFAULT 0,
    updated_at  timestamptz NOT NULL DEFAULT clock_timestamp(),
    -- The lease: one owner at a time, by the database's clock. Every effect checks the epoch (RELIABILITY P14).
    owner       text,
    epoch       bigint      NOT NULL DEFAULT 0,
    lease_until timestamptz NOT NULL DEFAULT '-infinity',
    -- Why it stands still, when it does.
    error       text
);
COMMENT ON TABLE hooklake.consumers IS 'One row per consumer of the log: its checkpoint and who holds it.';

CREATE TABLE hooklake.parked (
    consumer   text        NOT NULL,
    "position" bigint      NOT NULL,
    event_id   text        NOT NULL,
    reason     text        NOT NULL,
    attempts   integer     NOT NULL,
    parked_at  timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (consumer, "position")
);
COMMENT ON TABLE hooklake.parked IS 'Events that a consumer could not take, with the reason. The rest went on.';

CREATE TABLE hooklake.installation (
    only_row         boolean     PRIMARY KEY DEFAULT true CHECK (only_row),
    id               uuid        NOT NULL DEFAULT gen_random_uuid(),
    created_at       timestamptz NOT NULL DEFAULT clock_timestamp(),
    -- sha256 of the admin token; the token itself is shown once and kept nowhere.
    admin_token_hash bytea,
    -- Keys what is derived rather than stored: generated webhook paths, browser sessions.
    derivation_key   bytea       NOT NULL
);
COMMENT ON TABLE hooklake.installation IS 'What this installation knows of itself.';
INSERT INTO hooklake.installation (derivation_key) VALUES (sha256(uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid())));
