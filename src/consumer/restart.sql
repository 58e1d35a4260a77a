-- A copy's row, back at the start.
INSERT INTO hooklake.consumers AS c (name, version) VALUES ($1, $2)
ON CONFLICT (name) DO UPDATE SET version = excluded.version, position = 0, fence = NULL, error = NULL
