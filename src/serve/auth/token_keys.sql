-- What credentials are checked against; nothing before the first start has made a token.
SELECT admin_token_hash, derivation_key FROM hooklake.installation WHERE admin_token_hash IS NOT NULL
