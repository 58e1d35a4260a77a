-- Notes why a consumer stands still.
UPDATE hooklake.consumers SET error = $3 WHERE name = $1 AND epoch = $2
