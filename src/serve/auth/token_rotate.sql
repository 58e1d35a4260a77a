-- Another admin token in place of the one before.
UPDATE hooklake.installation SET admin_token_hash = $1
