-- A consumer's row, if there is none yet.
INSERT INTO hooklake.consumers (name, version) VALUES ($1, $2) ON CONFLICT DO NOTHING
