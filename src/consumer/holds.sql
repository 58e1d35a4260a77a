-- Whether the owner of this epoch still is the owner. The row is shared until the transaction ends: checkpoint and lease may move
-- on, and nobody takes the copy away, or swaps it, while something is written to it.
SELECT FROM hooklake.consumers WHERE name = $1 AND epoch = $2 FOR KEY SHARE
