-- True for an environment with the word prod, production or live in its name, but not pre-prod, non-live or not-production.
CREATE OR REPLACE FUNCTION hooklake.is_production(environment text) RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN coalesce(environment ~* '(^|[^a-z])(prod|production|live)([^a-z]|$)'
                AND environment !~* '(^|[^a-z])(pre|non|not)[^a-z]*(prod|production|live)([^a-z]|$)', false)
