-- The claims that were remembered, for the last time.
DELETE FROM hooklake.unsettled_claims RETURNING tenant, identity, kind, value
