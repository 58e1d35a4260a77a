-- Hours from one moment to another, to two digits; NULL when either is unknown, or when the clocks disagree about which
-- came first, so that no view reports a negative wait.
CREATE OR REPLACE FUNCTION hooklake.hours(since timestamptz, until timestamptz) RETURNS numeric
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE WHEN until >= since AND isfinite(since) AND isfinite(until) THEN round(extract(epoch FROM until - since) / 3600, 2) END
