-- True for the login of an app at GitHub, which ends in [bot], and for that of Copilot, which does not.
CREATE OR REPLACE FUNCTION hooklake.is_bot(login text) RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN coalesce(login LIKE '%[bot]' OR lower(login) = 'copilot', false)
