-- A tree of hashes over the log, and the checkpoints that were signed of it (decision 0008).

-- A projection like any other. Level 0 holds RFC 6962 leaf hashes of chain leaves, 256 to a row; an entry of level n + 1
-- is the root of one full row of level n. Only the last row of a level has fewer than 256.
CREATE TABLE log_tiles (
    level   smallint NOT NULL,
    "index" bigint   NOT NULL,
    hashes  bytea    NOT NULL,
    PRIMARY KEY (level, "index")
);
-- Hashes do not compress.
ALTER TABLE log_tiles ALTER COLUMN hashes SET STORAGE EXTERNAL;
COMMENT ON TABLE log_tiles IS 'The Merkle tree over the log (RFC 6962, in tiles of 256 hashes): what GET /log/proof/{position} and hooklake verify work with.';

CREATE TABLE hooklake.checkpoints (
    size    bigint      PRIMARY KEY,
    note    text        NOT NULL,
    made_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
COMMENT ON TABLE hooklake.checkpoints IS 'Signed checkpoints of the log. A copy for whoever serves them: the ones that prove something are the files kept elsewhere.';

-- The public halves only. An instance that finds one here and has no private half refuses to make another key silently.
CREATE TABLE hooklake.signing_keys (
    verifier text        PRIMARY KEY,
    made_at  timestamptz NOT NULL DEFAULT clock_timestamp()
);
COMMENT ON TABLE hooklake.signing_keys IS 'The public keys that checkpoints were signed with, as signed-note verifier keys.';
