-- Whether the owner of this epoch still is the owner.
SELECT FROM hooklake.consumers WHERE name = $1 AND epoch = $2
