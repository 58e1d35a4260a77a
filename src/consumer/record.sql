-- Notes where a consumer stands whose checkpoint lives with its effect, outside the database.
UPDATE hooklake.consumers SET position = $3, updated_at = clock_timestamp(), error = NULL WHERE name = $1 AND epoch = $2
