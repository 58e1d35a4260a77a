-- Locks a consumer's row if the owner of this epoch still is the owner, once nobody shares it any more (holds.sql).
SELECT position FROM hooklake.consumers WHERE name = $1 AND epoch = $2 FOR UPDATE
