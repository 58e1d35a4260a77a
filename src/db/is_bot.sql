-- True for the login of an app at GitHub, which ends in [bot].
CREATE OR REPLACE FUNCTION hooklake.is_bot(login text) RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN coalesce(login LIKE '%[bot]', false)
