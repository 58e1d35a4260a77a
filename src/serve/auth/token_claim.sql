-- The first admin token: of several instances that start together, one wins.
UPDATE hooklake.installation SET admin_token_hash = $1 WHERE admin_token_hash IS NULL
